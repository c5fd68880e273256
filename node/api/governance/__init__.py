"""The page for the association's members and everybody: what the ledger carries and brings."""

"""Chain to SQL: the only writer of `ledger`, whose rows are a pure function of the chain."""

"""From Prometheus-X documents, and what they lack, to terms and records of the ledger."""

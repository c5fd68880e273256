"""What `ptx-ledger run` brings with it: a PostgreSQL server, a chain, and their supervision."""

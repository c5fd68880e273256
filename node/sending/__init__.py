"""From the outbox to the chain: acts become transactions, each carried out exactly once."""

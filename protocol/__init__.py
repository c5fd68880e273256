"""The rules of the Prometheus-X ledger as pure functions.

Nothing here reads a file of the user's, a clock, a setting, the network or a source of
randomness; whoever knows the inputs can repeat every answer. Start with `types` and `errors`,
then follow a consent: `record` -> `commitments` -> `entries` -> `merkle` -> `consent`; an
agreement: `agreement` -> `lifecycle`; a use: `commission` -> `ledger`. `proof_bundle` joins all
of them for a verifier who is offline.
"""

"""The read side: the only SQL on `ledger` outside the indexer's own writing.

Each function takes a connection and returns typed values; none judges. A module a noun.
"""

"""Backup and restore: the node's promises and records, apart from the keys that open them."""

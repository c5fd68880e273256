"""Accounts that a node signs with, in encrypted key files (Web3 Secret Storage)."""

from __future__ import annotations

import json
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from node.secret_files import PASSPHRASE_FILE, KeyFileError, read_or_create_secret, write_private

OPERATOR_KEY = "operator"
KEYSTORE_ITERATIONS = 2**14


def load_or_create_account(keys_dir: Path, name: str) -> LocalAccount:
    """The account in the key file `<name>.json`, created at the first call.

    Raises KeyFileError if the file does not open with the passphrase beside it.
    """
    passphrase = read_or_create_secret(keys_dir / PASSPHRASE_FILE).hex()
    path = keys_dir / f"{name}.json"
    if not path.exists():
        account: LocalAccount = Account.create()
        keystore = Account.encrypt(
            account.key, passphrase, kdf="scrypt", iterations=KEYSTORE_ITERATIONS
        )
        write_private(path, json.dumps(keystore))
        return account
    try:
        key = Account.decrypt(json.loads(path.read_text()), passphrase)
    except ValueError as error:
        raise KeyFileError(
            f"{path} does not open with {keys_dir / PASSPHRASE_FILE}: restore both from one backup."
        ) from error
    loaded: LocalAccount = Account.from_key(key)
    return loaded

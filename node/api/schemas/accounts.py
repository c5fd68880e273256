"""Shapes of the books' accounts and what they hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from indexer.queries.accounts import AccountBalance
from node.api.schemas.base import AsOf, ProvenBy, Shape, wrong_value
from protocol.postings import ACCOUNT_PATTERN, is_account


def require_account(name: str) -> str:
    """Raises ValueError for what names no account of the books."""
    if not is_account(name):
        raise wrong_value(
            "The books have no account of such a name.",
            "Name issued, treasury, transit, commission, holding:<address>, "
            "balance:<organisation> or deposit:<agreement>:<organisation>.",
        )
    return name


AccountName = Annotated[
    str,
    AfterValidator(require_account),
    WithJsonSchema(
        {"type": "string", "pattern": f"^({ACCOUNT_PATTERN})$", "examples": ["commission"]}
    ),
]


class Balance(Shape):
    """What an account holds in base units, as the sum of its postings."""

    account: str
    balance_minor: int
    postings: int

    @classmethod
    def of(cls, found: AccountBalance) -> Balance:
        """From the index."""
        return cls(
            account=found.account, balance_minor=found.balance_minor, postings=found.postings
        )


class AccountStanding(Balance):
    """What an account held at a time. `provenBy` is the last block at or before it that the index
    knows: the contracts say the same as of its hash. Null before the first block."""

    as_of: AsOf
    at: int | None
    proven_by: ProvenBy


class Balances(Shape):
    """A page, by name; `next` is the value for `after`, null on the last page."""

    as_of: AsOf
    at: int | None
    proven_by: ProvenBy
    items: list[Balance]
    next: str | None

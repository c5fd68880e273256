"""Shapes of withdrawals."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from node.api.schemas.base import AsOf, EntryBytes, Hash, Shape, Signature, SlipBytes


class Withdraw(Shape):
    """A learner's signed withdrawal: entry and signature (EIP-712 `ConsentWithdrawal` by the
    entry's holder), or a withdrawal slip of 220 bytes, which carries both."""

    entry: EntryBytes | None = None
    signature: Signature | None = None
    slip: SlipBytes | None = None

    @model_validator(mode="after")
    def entry_or_slip(self) -> Withdraw:
        """One of the two forms, whole."""
        pair = (self.entry is not None, self.signature is not None)
        if self.slip is not None:
            if any(pair):
                raise ValueError("send a slip, or entry and signature, not both")
        elif not all(pair):
            raise ValueError("send entry and signature, or a slip")
        return self


class Withdrawal(Shape):
    """Where a withdrawal stands: `withdrawal-pending` from acceptance on, then `withdrawn`."""

    leaf: Hash
    state: str
    ended_at: int | None = None
    ended_by: str | None = None
    transaction_hash: Hash | None = None
    block_number: int | None = None
    failure: dict[str, Any] | None = None
    as_of: AsOf | None = None

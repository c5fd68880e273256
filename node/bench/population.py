"""Millions of consents, each told from its number alone, so that none has to be remembered.

Every hundredth is withdrawn. Their holders have a thousand consents each, since a transaction has
one sender; every other consent has a holder of its own, as learners' one-time keys are.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from protocol.entries import Entry
from protocol.types import AgreementId, HolderAddress, Leaf, OrganisationId, UnixSeconds

ENDED_EVERY = 100
ENDED_A_HOLDER = 1_000

_HEAD = struct.Struct(">BBB32s20s")
_TAIL = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Population:
    """`size` consents of one issuer under one agreement."""

    size: int
    agreement_id: AgreementId
    issuer: OrganisationId
    valid_from: UnixSeconds
    valid_until: UnixSeconds

    def entry(self, number: int) -> Entry:
        """Of the consent with this number, counted from 0."""
        return Entry(
            agreement_id=self.agreement_id,
            issuer=self.issuer,
            holder=HolderAddress(holder_of(number)),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            commitment=commitment_of(number),
        )

    def leaves(self) -> Iterator[bytes]:
        """All leaves in order: `leaf_of(entry(number))` without the entry, ten times as fast."""
        head = _HEAD.pack(0, 1, 1, self.agreement_id, self.issuer)
        tail = _TAIL.pack(self.valid_from, self.valid_until)
        sha256 = hashlib.sha256
        for number in range(self.size):
            whole = head + holder_of(number) + tail + commitment_of(number)
            yield sha256(whole).digest()

    def ended(self, leaves: Iterator[bytes]) -> Iterator[tuple[bytes, list[Leaf]]]:
        """Holders and what each withdraws; takes all leaves."""
        group: list[Leaf] = []
        for number, leaf in enumerate(leaves):
            if is_ended(number):
                group.append(Leaf(leaf))
                if len(group) == ENDED_A_HOLDER:
                    yield holder_of(number), group
                    group = []
        assert not group, f"{self.size} is no multiple of {ENDED_EVERY * ENDED_A_HOLDER}"


def is_ended(number: int) -> bool:
    """Whether the consent with this number is withdrawn."""
    return number % ENDED_EVERY == 0


def holder_of(number: int) -> bytes:
    """20 bytes."""
    if is_ended(number):
        number = number // (ENDED_EVERY * ENDED_A_HOLDER)
        return hashlib.sha256(b"one of many withdrawals %d" % number).digest()[:20]
    return hashlib.sha256(b"holder %d" % number).digest()[:20]


def commitment_of(number: int) -> bytes:
    """33 bytes, in the form of a compressed point."""
    return b"\x02" + hashlib.sha256(b"commitment %d" % number).digest()

"""The acts whose gas is measured: the design's target, the committed snapshot, and the peers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from node.bench.figures import Figure, measured
from node.config import PROJECT_ROOT

HERE, EAS, OPENZEPPELIN, RAIDEN = "gas", "eas", "openzeppelin", "raiden"
"""Sections of the figures: the ledger and its peers, on one chain in one run."""

SNAPSHOTS_DIR = PROJECT_ROOT / "snapshots"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's call, and what it does not do or check of what the act here does."""

    call: str
    lacks: str


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the ledger. `target` is the design's; `snapshots` (file, name) add up to it."""

    name: str
    target: int | None = None
    snapshots: tuple[tuple[str, str], ...] = ()
    eas: Peer | None = None
    openzeppelin: Peer | None = None
    raiden: Peer | None = None

    def peer(self, section: str) -> Peer | None:
        """Its peer in a section."""
        peers = {EAS: self.eas, OPENZEPPELIN: self.openzeppelin, RAIDEN: self.raiden}
        return peers.get(section)

    def snapshot(self, folder: Path = SNAPSHOTS_DIR) -> int | None:
        """What the contracts' tests measured and hold it to."""
        if not self.snapshots:
            return None
        return sum(int(read_snapshots(folder)[file][name]) for file, name in self.snapshots)


@cache
def read_snapshots(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """All gas snapshots by file and name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


ATTEST = Peer("attest", "no agreement, no batch root, no stop; anyone attests under the schema")
MULTI_ATTEST = Peer(
    "multiAttest", "as attest; each consent is stored by itself, and can be counted"
)
GET_ATTESTATION = Peer(
    "getAttestation", "reads one attestation with its times; compares nothing, knows no agreement"
)
REVOKE = Peer("revoke", "only by the attester, not by the person whom it is about")
REVOKE_SIGNED = Peer(
    "revokeByDelegation", "as revoke; counts a nonce, so signatures only work in their order"
)
REVOKE_SIGNED_MANY = Peer(
    "multiRevokeByDelegation", "as revokeByDelegation; one bad signature spoils the batch"
)
PUSH = Peer(
    "MerkleTree.push",
    "depth 20; no issuer, no stop, no batch (many are a loop), and no root kept to prove against",
)
PROOF = Peer(
    "MerkleProof.verify",
    "against a stored root; no time, no ending, no agreement, no size of the tree",
)
MARK = Peer("BitMaps.set", "one bit in the sender's namespace; no time, no event")
MARK_SIGNED = Peer(
    "EIP712 + ECDSA.recover + BitMaps.set",
    "as BitMaps.set; one bad signature spoils the batch",
)
VAULT_IN = Peer(
    "ERC4626.deposit", "one pool for all; no agreement, no party, no scope, no suspension, no stop"
)
VAULT_OUT = Peer("ERC4626.withdraw", "pays anywhere; no scope, no account bound to an organisation")
TRANSFERS = Peer(
    "SafeERC20.safeTransfer",
    "three in one call, to two payees and the treasury: moves the money and checks nothing, "
    "no voucher, no signature, no terms, no prices, no rate, no deposit, no count of units",
)
USER_DEPOSIT = Peer(
    "UserDeposit.deposit",
    "one deposit for all payees, whom any signed IOU pays; no agreement, no party, no stop",
)
IOU = Peer(
    "OneToN.claim",
    "one payee and one amount, credited within the deposits: no terms, no prices, no rate, no "
    "commission; nothing is cumulative: each IOU fills a slot, so none is a cheaper next, and "
    "one that was paid in part, as the deposit covered no more, is void",
)
IOUS = Peer(
    "OneToN.bulkClaim",
    "as OneToN.claim; measured with one payer and one payee. As here, one bad signature spoils "
    "the batch; unlike here, a deposit that is too small does not",
)
USER_WITHDRAW = Peer(
    "UserDeposit.withdraw",
    "the second of two transactions, since a payee, too, waits for the notice; by the payee's "
    "one key",
)
MINT = Peer("ERC20._mint", "anyone mints; no governance, no stop, no participant, no payment named")
TRANSFER = Peer("ERC20.transfer", "to anyone, not only to accounts of participants")
PERMIT = Peer("ERC20Permit.permit", "lacks nothing, the token here inherits it as it is")
GRANT_ROLE = Peer(
    "AccessManager.grantRole",
    "the administrator grants; no expiry, no organisation, no proof that the account agrees",
)

ACTS = (
    Act("anchor 1", 64_000, (("anchor", "1"),), ATTEST, PUSH),
    Act("anchor 1 by an operator", None, (("anchor", "1 by an operator"),)),
    Act("anchor 8", 72_500, (("anchor", "8"),), MULTI_ATTEST, PUSH),
    Act("anchor 100, each", 1_760, (("anchor", "100, each"),), MULTI_ATTEST, PUSH),
    Act("anchor 1000, each", 1_180, (("anchor", "1000, each"),), None, PUSH),
    Act("anchor 10000, each", 1_140, (("anchor", "10000, each"),)),
    Act("anchor 50 padded to 64, each of 50", None, (), MULTI_ATTEST, PUSH),
    Act("isActive of 8", 53_000, (("isActive", "of 8"),), GET_ATTESTATION, PROOF),
    Act("isActive of 10000", 75_000, (("isActive", "of 10000"),), GET_ATTESTATION, PROOF),
    Act("withdraw", 46_500, (("withdraw", "own transaction"),), REVOKE, MARK),
    Act(
        "withdraw by signature",
        51_500,
        (("withdraw", "by signature"),),
        REVOKE_SIGNED,
        MARK_SIGNED,
    ),
    Act(
        "withdraw 100 by signature, each",
        30_000,
        (("withdraw", "100 by signature, each"),),
        REVOKE_SIGNED_MANY,
        MARK_SIGNED,
    ),
    Act("revoke by the issuer", None, (("revoke", "by issuer"),), REVOKE, MARK),
    Act("propose, 2 parties, 1 line", None, (("agreement", "propose, 2 parties, 1 line"),)),
    Act("sign", None, (("agreement", "sign"),)),
    Act("activate, 2 parties", 130_000, (("agreement", "activate, 2 parties"),)),
    Act(
        "propose, sign and activate together",
        None,
        (
            ("agreement", "propose, 2 parties, 1 line"),
            ("agreement", "sign"),
            ("agreement", "activate, 2 parties"),
        ),
    ),
    Act("deposit, first ever", None, (("settlement", "deposit"),), None, VAULT_IN, USER_DEPOSIT),
    Act("deposit, next", None, (), None, VAULT_IN, USER_DEPOSIT),
    Act(
        "settle 2 lines, first ever",
        None,
        (("settlement", "settle 2 lines, first ever"),),
        None,
        TRANSFERS,
        IOU,
    ),
    Act(
        "settle 2 lines, first in a period",
        120_000,
        (("settlement", "settle 2 lines, first in a period"),),
        None,
        TRANSFERS,
        IOU,
    ),
    Act(
        "settle 2 lines, next",
        80_000,
        (("settlement", "settle 2 lines, next"),),
        None,
        TRANSFERS,
    ),
    Act(
        "settle 2 lines, 50 in a batch, each",
        45_000,
        (("settlement", "settle 2 lines, 50 in a batch, each"),),
        None,
        TRANSFERS,
        IOUS,
    ),
    Act("claim", None, (("settlement", "claim"),), None, VAULT_OUT, USER_WITHDRAW),
    Act("pay out commission", None, (("settlement", "payOutCommission"),)),
    Act("issue tokens, first to an account", None, (), None, MINT),
    Act("issue tokens, next", None, (), None, MINT),
    Act("transfer tokens, first to an account", None, (), None, TRANSFER),
    Act("transfer tokens, next", None, (), None, TRANSFER),
    Act("permit, first", None, (), None, PERMIT),
    Act("delegate to an operator", None, (), None, GRANT_ROLE),
    Act("bind an account", None, (), None, GRANT_ROLE),
)
BY_NAME = {act.name: act for act in ACTS}


def gas_figure(section: str, name: str, gas: float) -> Figure:
    """What an act, or its peer in a section, cost; the act must be one of `ACTS`."""
    act = BY_NAME[name]
    if section != HERE:
        assert act.peer(section) is not None, f"{name} has no peer in {section}"
        return measured(section, name, round(gas), "gas")
    target = f"≤ {act.target:,}" if act.target else ""
    return measured(section, name, round(gas), "gas", target)

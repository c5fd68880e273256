"""Gas of the acts on a real chain: whole transactions, every check included, storage cold."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import chain

from eth_account import Account
from web3 import Web3

from node.bench.acts import HERE, gas_figure
from node.bench.figures import Figure, measured
from node.bench.ledger import CHAIN_ID, YEAR_SECONDS, Ledger, Participant
from node.bench.permits import sign_permit
from node.preparation import prove_possession
from protocol.agreement import Terms
from protocol.entries import Entry, encode_entry, leaf_of
from protocol.merkle import inclusion_path, root_of
from protocol.padding import padded_size
from protocol.signatures import address_of, sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import HolderAddress, Leaf, Scope, UnixSeconds

PADDING_SECTION = "padding"
REAL_BATCHES = (1, 2, 4, 8, 9, 15, 30)
FOREVER = 2**40 - 1
EURO = 10**6
MONTH_SECONDS = 31 * 86_400
MANY = 100
BATCH = 50


def measure_gas(ledger: Ledger) -> Iterator[Figure]:
    """On a new ledger; each act leaves what the next one needs."""
    terms = ledger.terms(
        (ledger.school, ledger.company, ledger.operator), (ledger.school, ledger.operator)
    )
    ledger.conclude(terms)
    anchor(ledger, ledger.school, 1)  # the log is never empty in real life
    for name, gas in chain(
        _participants(ledger),
        _anchors(ledger),
        _consents(ledger, terms),
        _agreements(ledger),
        _money(ledger, terms),
        _token(ledger),
    ):
        yield gas_figure(HERE, name, gas)


def measure_padding(ledger: Ledger) -> Iterator[Figure]:
    """What one consent costs in a padded batch."""
    for real in REAL_BATCHES:
        padded = padded_size(real)
        name = f"real consent in a batch of {real}, padded to {padded}"
        yield measured(PADDING_SECTION, name, anchor(ledger, ledger.school, padded) / real, "gas")


def anchor(ledger: Ledger, sender: Participant, size: int) -> int:
    """Gas of anchoring some random leaves for the school."""
    leaves = [secrets.token_bytes(32) for _ in range(size)]
    registry = ledger.contract("ConsentRegistry").functions
    gas = sender.wallet.call(registry.anchor(ledger.school.id, leaves)).gas_used
    assert registry.anchorOf(ledger.school.id, root_of(leaves)).call()[1] == size
    return gas


Costs = Iterator[tuple[str, float]]
"""Acts by name, with their gas."""


def _participants(ledger: Ledger) -> Costs:
    school, registry = ledger.school, ledger.contract("ParticipantRegistry").functions
    delegate = registry.delegate(school.id, ledger.operator.id, int(Scope.ANCHOR), FOREVER)
    yield "delegate to an operator", school.wallet.call(delegate).gas_used
    account = Account.create()
    proof = prove_possession(account, school.organisation, ledger.deployment)
    bind = registry.bindAccount(school.id, account.address, int(Scope.ANCHOR), FOREVER, proof)
    yield "bind an account", school.wallet.call(bind).gas_used


def _anchors(ledger: Ledger) -> Costs:
    school = ledger.school
    yield "anchor 1", anchor(ledger, school, 1)
    yield "anchor 1 by an operator", anchor(ledger, ledger.operator, 1)
    yield "anchor 8", anchor(ledger, school, 8)
    for size in (100, 1_000, 10_000):
        yield f"anchor {size}, each", anchor(ledger, school, size) / size
    padded = padded_size(BATCH)
    name = f"anchor {BATCH} padded to {padded}, each of {BATCH}"
    yield name, anchor(ledger, school, padded) / BATCH


def _consents(ledger: Ledger, terms: Terms) -> Costs:
    for size in (8, 10_000):
        yield f"isActive of {size}", _ask(ledger, terms, size)
    registry, wallet = ledger.contract("ConsentRegistry").functions, ledger.new_wallet()
    yield "withdraw", wallet.call(registry.withdraw(secrets.token_bytes(32))).gas_used
    one = registry.withdrawBySignature(_sign_withdrawal(ledger))
    yield "withdraw by signature", wallet.call(one).gas_used
    many = registry.withdrawManyBySignature([_sign_withdrawal(ledger) for _ in range(MANY)])
    yield f"withdraw {MANY} by signature, each", wallet.call(many).gas_used / MANY
    revoke = registry.revoke(ledger.school.id, secrets.token_bytes(32))
    yield "revoke by the issuer", ledger.school.wallet.call(revoke).gas_used


def _ask(ledger: Ledger, terms: Terms, size: int) -> int:
    """Gas of `isActive`, sent as a transaction, for a consent in a batch."""
    entry = Entry(
        agreement_id=ledger.agreement_id(terms),
        issuer=ledger.school.organisation,
        holder=HolderAddress(address_of(secrets.token_bytes(32))),
        valid_from=terms.valid_from,
        valid_until=UnixSeconds(terms.valid_from + YEAR_SECONDS),
        commitment=b"\x02" + secrets.token_bytes(32),
    )
    index = size * 5 // 8
    leaves = [secrets.token_bytes(32) for _ in range(size)]
    leaves[index] = leaf_of(entry)
    registry = ledger.contract("ConsentRegistry").functions
    ledger.school.wallet.call(registry.anchor(ledger.school.id, leaves))
    proof = (root_of(leaves), index, inclusion_path(leaves, index))
    ask = registry.isActive(encode_entry(entry), proof)
    assert ask.call()
    return ledger.company.wallet.call(ask).gas_used


def _sign_withdrawal(ledger: Ledger) -> tuple[str, bytes, bytes, bytes, int]:
    """A withdrawal of a random leaf by a new holder, as the contract takes it."""
    secret, leaf = secrets.token_bytes(32), Leaf(secrets.token_bytes(32))
    registry = ledger.deployment.address_bytes("ConsentRegistry")
    signature = sign_digest(secret, withdrawal_digest(leaf, CHAIN_ID, registry))
    holder = Web3.to_checksum_address(address_of(secret))
    return holder, leaf, signature[:32], signature[32:64], signature[64]


def _agreements(ledger: Ledger) -> Costs:
    gas = ledger.conclude(ledger.terms((ledger.school, ledger.company), (ledger.school,)))
    names = ("propose, 2 parties, 1 line", "sign", "activate, 2 parties")
    yield from zip(names, gas, strict=True)
    yield "propose, sign and activate together", sum(gas)


def _money(ledger: Ledger, terms: Terms) -> Costs:
    account = ledger.company.wallet.address
    ledger.issue(account, 10 * EURO)
    ledger.approve(10 * EURO)
    yield "deposit, first ever", ledger.deposit(terms, 10 * EURO)
    ledger.issue(account, 10_000_000 * EURO)
    ledger.approve(10_000_000 * EURO)
    yield "deposit, next", ledger.deposit(terms, 1_000 * EURO)
    yield "settle 2 lines, first ever", ledger.settle(terms, 1_000)
    ledger.wait(MONTH_SECONDS)
    yield "settle 2 lines, first in a period", ledger.settle(terms, 1_000)
    yield "settle 2 lines, next", ledger.settle(terms, 2_000)
    settlement = ledger.contract("UsageSettlement").functions
    batch = [_settled_once(ledger) for _ in range(BATCH)]
    many = settlement.settleMany([ledger.settlement(each, 2_000) for each in batch])
    name = f"settle 2 lines, {BATCH} in a batch, each"
    yield name, ledger.school.wallet.call(many).gas_used / BATCH
    school = ledger.school
    claim = settlement.claim(school.id, school.wallet.address, 1)
    yield "claim", school.wallet.call(claim).gas_used
    yield "pay out commission", school.wallet.call(settlement.payOutCommission()).gas_used


def _settled_once(ledger: Ledger) -> Terms:
    """An agreement whose use of this month is settled in part."""
    terms = ledger.terms(
        (ledger.school, ledger.company, ledger.operator), (ledger.school, ledger.operator)
    )
    ledger.conclude(terms)
    ledger.deposit(terms, 1_000 * EURO)
    ledger.settle(terms, 1_000)
    return terms


def _token(ledger: Ledger) -> Costs:
    token, operator = ledger.contract("UsageToken").functions, ledger.operator.wallet
    yield "issue tokens, first to an account", ledger.issue(operator.address, EURO)
    yield "issue tokens, next", ledger.issue(operator.address, EURO)
    account = Account.create()
    proof = prove_possession(account, ledger.operator.organisation, ledger.deployment)
    registry = ledger.contract("ParticipantRegistry").functions
    operator.call(
        registry.bindAccount(ledger.operator.id, account.address, int(Scope.CLAIM), FOREVER, proof)
    )
    for order in ("first to an account", "next"):
        transfer = token.transfer(account.address, EURO // 10)
        yield f"transfer tokens, {order}", operator.call(transfer).gas_used
    permit = sign_permit(operator, ledger.contract("UsageToken"), account.address, EURO)
    yield "permit, first", operator.call(permit).gas_used

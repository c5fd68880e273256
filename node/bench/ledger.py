"""The ledger's contracts alone, on a chain of their own, for figures that ask nothing of a node.

A school and a company exchange data over an operator, as in `tests/solidity/LedgerFixture.sol`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.types import RPCEndpoint

from node.config import Settings
from node.contracts import Deployment
from node.deployment import deploy
from node.embedded.chain import HOST, start_chain
from node.embedded.supervisor import free_port
from node.preparation import prove_possession
from node.sending.acts import terms_tuple
from node.wallet import Wallet, connect_chain
from protocol.agreement import PriceLine, Terms
from protocol.identifiers import organisation_id
from protocol.periods import period_of
from protocol.signatures import sign_digest
from protocol.signing import (
    Voucher,
    acceptance_digest,
    agreement_id_of,
    terms_hash,
    voucher_digest,
)
from protocol.terms_json import terms_to_json
from protocol.types import (
    ZERO_HASH,
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Period,
    Role,
    Units,
    UnixSeconds,
)

CHAIN_ID = 7839
RATES_BPS = {1: 500, 2: 250}
YEAR_SECONDS = 365 * 86_400
ALL_ROLES = int(Role.PROVIDER | Role.CONSUMER | Role.OPERATOR | Role.MAINTAINER)


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation with one account that has every scope."""

    organisation: OrganisationId
    wallet: Wallet

    @property
    def id(self) -> ChecksumAddress:
        """Its permanent id as contracts take it."""
        return Web3.to_checksum_address(self.organisation)

    def sign(self, digest: bytes) -> bytes:
        """Its account's signature, 65 bytes."""
        return sign_digest(bytes(self.wallet.account.key), Hash32(digest))


class Ledger:
    """All contracts deployed, three organisations admitted."""

    def __init__(self, web3: Web3) -> None:
        self.web3 = web3
        proposer = self.new_wallet().address
        self.deployment: Deployment = deploy(web3, Account.create(), proposer, 0, RATES_BPS)
        self._timelock = self.deployment.address_of("TimelockController")
        # Nobody's vote is measured, so the timelock itself sends, as only this chain lets it.
        self.rpc("anvil_impersonateAccount", self._timelock)
        self.school = self._admit("did:ebsi:school")
        self.company = self._admit("did:ebsi:company")
        self.operator = self._admit("did:ebsi:operator")

    def rpc(self, method: str, *parameters: Any) -> Any:
        """A call of the chain's own interface."""
        answer = self.web3.provider.make_request(RPCEndpoint(method), [*parameters])
        assert "error" not in answer, answer
        return answer["result"]

    def wait(self, seconds: int) -> None:
        """Lets time pass on the chain."""
        self.rpc("evm_increaseTime", hex(seconds))
        self.rpc("evm_mine")

    def now(self) -> UnixSeconds:
        """Time of the last block."""
        return UnixSeconds(self.web3.eth.get_block("latest")["timestamp"])

    def new_wallet(self) -> Wallet:
        """A key that nothing is known of."""
        return Wallet(self.web3, Account.create())

    def contract(self, name: str) -> Contract:
        """One of the ledger's contracts."""
        return self.deployment.contract(self.web3, name)

    def govern(self, function: ContractFunction) -> int:
        """Gas of an act of governance by the timelock, without the vote and the notice before."""
        data = function._encode_transaction_data()
        sent = self.web3.eth.send_transaction(
            {
                "from": self._timelock,
                "to": function.address,
                "data": data,
                "gasPrice": Web3.to_wei(0, "wei"),
            }
        )
        return Wallet(self.web3, Account.create()).wait(sent)["gasUsed"]

    # Agreements

    def terms(self, parties: tuple[Participant, ...], payees: tuple[Participant, ...]) -> Terms:
        """New terms over some parties, with a price line for each payee."""
        categories, prices, free = (1, 2), (10_001, 3_333), (10, 0)
        return Terms(
            parties=tuple(sorted(party.organisation for party in parties)),
            valid_from=self.now(),
            valid_until=UnixSeconds(self.now() + YEAR_SECONDS),
            policy_hash=Hash32(secrets.token_bytes(32)),
            document_hash=Hash32(secrets.token_bytes(32)),
            rulebook=Hash32(ZERO_HASH),
            parent=AgreementId(ZERO_HASH),
            salt=Hash32(secrets.token_bytes(32)),
            lines=tuple(
                PriceLine(payee.organisation, Category(category), AmountMinor(price), Units(units))
                for payee, category, price, units in zip(
                    payees, categories, prices, free, strict=False
                )
            ),
        )

    def agreement_id(self, terms: Terms) -> AgreementId:
        """Its id on this chain."""
        registry = self.deployment.address_bytes("AgreementRegistry")
        return agreement_id_of(terms, CHAIN_ID, registry)

    def conclude(self, terms: Terms) -> list[int]:
        """Gas of proposing, and of each signature; the last one activates."""
        registry = self.contract("AgreementRegistry").functions
        address = self.deployment.address_bytes("AgreementRegistry")
        propose = registry.propose(self.school.id, terms_tuple(terms_to_json(terms)))
        gas = [self.school.wallet.call(propose).gas_used]
        for party in (self.school, self.company, self.operator):
            if party.organisation in terms.parties:
                digest = acceptance_digest(party.organisation, terms, CHAIN_ID, address)
                sign = registry.sign(
                    terms_hash(terms), party.id, party.wallet.address, party.sign(digest)
                )
                gas.append(self.school.wallet.call(sign).gas_used)
        return gas

    # Money

    def issue(self, to: ChecksumAddress, amount: int) -> int:
        """Gas of issuing tokens."""
        token = self.contract("UsageToken").functions
        return self.govern(token.issue(to, amount, secrets.token_bytes(32)))

    def approve(self, amount: int) -> None:
        """Lets the settlement take so much from the company's account."""
        spender = self.deployment.address_of("UsageSettlement")
        token = self.contract("UsageToken").functions
        self.company.wallet.call(token.approve(spender, amount))

    def deposit(self, terms: Terms, amount: int) -> int:
        """Gas of the company's deposit under an agreement."""
        settlement = self.contract("UsageSettlement").functions
        function = settlement.deposit(self.agreement_id(terms), self.company.id, amount)
        return self.company.wallet.call(function).gas_used

    def settlement(self, terms: Terms, units: int) -> tuple[Any, ...]:
        """What settles up to so many units of this month, signed by the company."""
        voucher = Voucher(
            agreement_id=self.agreement_id(terms),
            consumer=self.company.organisation,
            period=Period(period_of(self.now())),
            units=Units(units),
            usage_root=Hash32(secrets.token_bytes(32)),
        )
        address = self.deployment.address_bytes("UsageSettlement")
        return (
            terms_tuple(terms_to_json(terms)),
            (
                voucher.agreement_id,
                self.company.id,
                voucher.period,
                voucher.units,
                voucher.usage_root,
            ),
            units,
            self.company.wallet.address,
            self.company.sign(voucher_digest(voucher, CHAIN_ID, address)),
        )

    def settle(self, terms: Terms, units: int) -> int:
        """Gas of settling up to so many units of this month."""
        settlement = self.contract("UsageSettlement").functions
        return self.school.wallet.call(settlement.settle(*self.settlement(terms, units))).gas_used

    def _admit(self, did: str) -> Participant:
        organisation = organisation_id(did)
        participant = Participant(organisation, self.new_wallet())
        wallet = participant.wallet
        proof = prove_possession(wallet.account, organisation, self.deployment)
        registry = self.contract("ParticipantRegistry").functions
        self.govern(registry.admit(did, ALL_ROLES, 1, wallet.address, proof))
        return participant


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """A new chain with the ledger on it, gone after the block."""
    port = free_port(HOST, 0)
    settings = Settings(state_dir=folder, chain_id=CHAIN_ID, chain_url=f"http://{HOST}:{port}")
    log = folder / "chain.log"
    process = start_chain(folder, port, CHAIN_ID, settings.chain_hardfork, log)
    try:
        yield Ledger(connect_chain(settings))
    finally:
        process.terminate()
        process.wait()

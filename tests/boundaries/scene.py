"""One object of every kind that the interface names, each made anew when it is asked for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property

from eth_account.signers.local import LocalAccount

from node.api_keys import hash_api_key
from node.client import NodeClient
from node.governance import execute_through_timelock
from node.preparation import prove_possession
from node.wallet import Wallet
from protocol.entries import leaf_of
from protocol.identifiers import organisation_id
from protocol.record import Record, to_json
from protocol.types import AgreementId, Role, to_hex
from tests.access.callers import make_key
from tests.access.signing import HTTP, new_account, session_of
from tests.boundaries.parties import Party
from tests.organisation.test_catalogue_pages import entry_of, keep
from tests.organisation.visits import visit
from tests.requests.asking import ask, token_of
from tests.requests.learner_session import session_of as learner_session
from tests.stage import Json, World, hash_of, wait_until

DEPOSIT_MINOR = 5_000_000


@dataclass
class Scene:
    """What the provider has. `told` collects what nobody else may learn."""

    world: World
    told: set[str] = field(default_factory=set)
    learner_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    used_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    agreement: AgreementId = field(init=False)
    used: Record = field(init=False)
    kept: Record = field(init=False)

    def __post_init__(self) -> None:
        self.agreement = self.world.conclude()
        self.world.deposit(self.agreement, DEPOSIT_MINOR)
        self.used = self.world.grant_active(self.used_key, agreement_id=self.agreement)
        self.kept = self.grant(self.learner_key)

    @property
    def mark(self) -> str:
        """Something that the provider writes, unlike all that was written before."""
        return self.noted(f"mark{secrets.token_hex(12)}")

    @property
    def provider(self) -> NodeClient:
        return self.world.provider.client

    def noted(self, *values: str) -> str:
        """The first of them; nobody else may learn any."""
        self.told.update(values)
        return values[0]

    # -- organisations ---------------------------------------------------------------------------

    def admitted(self, account: LocalAccount | None = None) -> str:
        """The DID of an organisation that governance has just admitted, with this account, and that
        no node hosts."""
        world, did = self.world, f"did:web:{secrets.token_hex(6)}.example"
        stage, account = world.story.stage, account or new_account()
        proof = prove_possession(account, organisation_id(did), stage.deployment)
        registry = world.contract("ParticipantRegistry")
        act = registry.functions.admit(did, int(Role.CONSUMER), 0, account.address, proof)
        execute_through_timelock(stage.governance, stage.deployment, act)
        path = f"{world.node.url}/v1/participants/{to_hex(organisation_id(did))}"
        wait_until(lambda: HTTP.get(path).status_code == 200, "the participant in the index")
        return did

    def stranger(self) -> Party:
        """An organisation that has nothing to do with the provider."""
        world, account = self.world, new_account()
        did = self.admitted(account)
        made = world.operator.post("/v1/participants", {"did": did, "name": "Stranger"})
        client = NodeClient(world.node.url, made["apiKey"])
        return Party("stranger", did, client, Wallet(world.web3, account))

    # -- objects, by the name that they have in addresses ----------------------------------------

    def grant(self, secret: bytes) -> Record:
        """A consent that no other party received."""
        record = self.world.make_record(
            secret, group_id=self.mark, recipients=[self.world.provider.did]
        )
        self.noted(to_hex(record.entry.holder), to_json(record)["blinding"])
        self.world.grant(record)
        self.world.wait_for_state(record, "active")
        return record

    def over(self) -> str:
        """The leaf of a consent that its holder has ended."""
        secret = secrets.token_bytes(32)
        record = self.grant(secret)
        self.world.withdraw(record, secret)
        self.world.wait_for_state(record, "withdrawn")
        return to_hex(leaf_of(record.entry))

    def proposed(self) -> str:
        terms = self.world.make_terms(salt=hash_of(secrets.randbits(200)))
        return to_hex(self.world.propose(terms))

    def concluded(self) -> str:
        return to_hex(self.world.conclude())

    def suspended(self) -> str:
        agreement = self.world.conclude()
        self.provider.post(f"/v1/agreements/{to_hex(agreement)}/suspend", {})
        wait_until(
            lambda: self.world.show_agreement(agreement)["status"] == "suspended", "suspension"
        )
        return to_hex(agreement)

    def settlement(self) -> str:
        voucher = self.world.use(self.used, 1)
        return str(self.world.settle(voucher)["settlementId"])

    def webhook(self) -> str:
        body = {"url": f"https://127.0.0.1:1/{self.mark}", "names": ["RateSet"]}
        self.world.node.sql("DELETE FROM node.webhooks")  # there is a limit for each organisation
        made = self.provider.post("/v1/webhooks", body)
        return self.noted(made["webhookId"], made["secret"])

    def key(self) -> str:
        made = make_key(self.provider, "auditor", label=self.mark)
        return self.noted(made["keyId"], made["apiKey"])

    def person(self) -> str:
        return self.noted(self.invited()["personId"])

    def invited(self) -> Json:
        body = {"label": self.mark, "role": "operator"}
        made: Json = self.provider.post("/v1/people", body)
        self.noted(made["invitation"])
        return made

    def person_session(self) -> str:
        """The token of a person who has signed in."""
        invitation = self.invited()["invitation"]
        opened, _ = session_of(self.world, new_account(), invitation=invitation)
        return self.noted(opened["token"])

    def session(self) -> str:
        return self.noted(to_hex(hash_api_key(self.person_session())[:16]))

    def asked(self) -> Json:
        reference = self.mark
        made = ask(self.world, subjectReference=reference, minimumAssurance="attested")
        self.noted(made["requestId"], token_of(made))
        return {**made, "subjectReference": reference}

    def request(self) -> str:
        return str(self.asked()["requestId"])

    def token(self) -> str:
        return token_of(self.asked())

    def offer(self) -> str:
        """The name of an offer of the provider's catalogue."""
        name = self.mark
        kept = keep(visit(self.world), [entry_of(self.world, name)])
        assert kept.status_code == 303, kept.text
        return name

    def act(self) -> str:
        return str(self.provider.get("/v1/outbox", limit=1)["items"][0]["actId"])

    def failed_act(self) -> str:
        """An anchor that failed, for which the chain would have no reason now."""
        [row] = self.world.node.sql(
            "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, state)"
            " VALUES (:own, 'anchor', :leaf, :leaf, '{}', 'failed') RETURNING outbox_id",
            own=self.world.provider.id,
            leaf=secrets.token_bytes(32),
        )
        return str(row.outbox_id)

    def rights_request(self) -> str:
        return str(self.lost_keys()["request"]["rightsRequestId"])

    def lost_keys(self) -> Json:
        """A rights request of who has lost every key."""
        path = f"/v1/organisations/{to_hex(self.world.provider.id)}/rights-requests"
        body = {"kind": "erasure", "message": self.mark, "contact": f"{self.mark}@example.org"}
        made: Json = HTTP.post(self.world.node.url + path, json=body).json()
        self.noted(made["token"], made["request"]["rightsRequestId"])
        return made

    @cached_property
    def learner(self) -> str:
        """The token of a session that has proven the keys of `kept` and `used`."""
        session = learner_session(self.world, self.learner_key, self.used_key)
        token: str = session._http.headers["authorization"].removeprefix("Bearer ")
        return self.noted(token)

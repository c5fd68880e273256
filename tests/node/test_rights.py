"""Row-level security: what an organisation cannot see or touch, by the API and by SQL alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from node.db import API_ROLE, INDEXER_ROLE, SENDER_ROLE, WEBHOOKS_ROLE
from node.tables import OWNED_BY_ORGANISATIONS
from protocol.did_document import make_did_document
from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.access.authenticator import Authenticator
from tests.access.test_passkeys import register
from tests.node.test_contract_import import OFFERING
from tests.organisation.visits import visit
from tests.refusals import assert_problem, send
from tests.requests.asking import ask
from tests.stage import World

ROLES = {API_ROLE, SENDER_ROLE, INDEXER_ROLE, WEBHOOKS_ROLE}
OWNED = sorted(table.name for table in OWNED_BY_ORGANISATIONS)
CHANGED = {
    *("api_keys", "consent_requests", "offers", "passkeys", "people", "person_sessions"),
    *("rights_requests", "webhooks"),
}
BY_FUNCTION = {"erased_records"}
READ = OWNED
APPENDED = sorted({*OWNED, "withdrawals"} - {"did_documents", *CHANGED, *BY_FUNCTION})
RIGHTS = {
    API_ROLE: {
        **{table: {"INSERT"} for table in APPENDED},
        **{table: {"INSERT", "SELECT"} for table in (*READ, "withdrawals")},
        **{table: {"DELETE", "INSERT", "SELECT", "UPDATE"} for table in CHANGED},
        "person_sessions": {"DELETE", "INSERT", "SELECT"},
        "challenges": {"DELETE", "INSERT", "SELECT"},
        "did_documents": {"DELETE", "INSERT", "SELECT"},
        "erased_records": {"SELECT"},
        "transactions": {"SELECT"},
        "attempts": {"SELECT"},
        "rights_requests": {"INSERT", "SELECT", "UPDATE"},
        "agreement_documents": {"INSERT", "SELECT", "UPDATE"},
        "process_metrics": {"SELECT"},
    },
    SENDER_ROLE: {
        "outbox": {"SELECT", "UPDATE"},
        "transactions": {"INSERT", "SELECT", "UPDATE"},
        "attempts": {"INSERT", "SELECT"},
        "sender_terms": {"INSERT", "SELECT", "UPDATE"},
        "process_metrics": {"INSERT", "SELECT", "UPDATE"},
    },
    WEBHOOKS_ROLE: {
        "deliveries": {"SELECT", "UPDATE"},
        "webhooks": {"SELECT", "UPDATE"},
        "process_metrics": {"INSERT", "SELECT", "UPDATE"},
    },
    INDEXER_ROLE: {"process_metrics": {"INSERT", "SELECT", "UPDATE"}},
}
FUNCTIONS = {
    API_ROLE: {
        "assurance_constraints",
        "consent_request_of",
        "current_holders",
        "current_organisation",
        "did_documents_of",
        "erase_record",
        "is_hosted",
        "names_hosted",
        "note_key_use",
        "note_session_use",
        "order_erasures",
        "open_acts",
        "retry_act",
        "outbox_is_full",
        "outbox_summary",
        "people_at",
        "person_invited",
        "person_of_passkey",
        "person_of_session",
        "principal_of",
        "relay_state",
        "rights_request_of",
        "settlement_promise",
        "use_token",
        "uses_held",
        "waits_to_be_anchored",
        "webhook_summary",
    },
    SENDER_ROLE: {"forget_answers"},
    WEBHOOKS_ROLE: {"did_documents_of", "record_to_deliver"},
    INDEXER_ROLE: set(),
}


DID_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@contextmanager
def under(world: World, role: str, organisation: bytes | None = None) -> Iterator[Connection]:
    """A connection with the rights of a role, for one organisation; leaves no trace."""
    with world.node.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        if organisation is not None:
            statement = text("SELECT set_config('ptx.organisation', :value, true)")
            connection.execute(statement, {"value": organisation.hex()})
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def settled(world: World) -> World:
    """A world in which each organisation has rows of every kind."""
    key = b"\x51" * 32
    voucher = world.use(world.grant_active(key), 1)
    world.consumer.client.post("/v1/vouchers", voucher, "a key of the consumer")
    world.settle(voucher)
    ask(world)
    asked = {"kind": "access", "message": "What do you have?", "contact": "a@example.org"}
    for party in (world.provider, world.consumer):
        path = f"/v1/organisations/{to_hex(party.id)}/rights-requests"
        world.operator.post(path, asked)
    webhook = {"url": "https://127.0.0.1:1/", "names": ["RateSet"]}
    for party in (world.provider, world.consumer):
        party.client.post("/v1/webhooks", webhook)
        authenticator = Authenticator(world.node.url, "127.0.0.1")
        person = {"label": "a person", "role": "auditor"}
        invited = party.client.post("/v1/people", person)
        assert register(world, authenticator, invited["invitation"]).status_code == 201
        visit(world, of=party.client).post("/catalogue", entries=json.dumps(OFFERING))
        document = make_did_document(party.did, [DID_KEY])
        party.client.post("/v1/did-documents", {"document": document})
        for table, columns in (
            ("deliveries", "leaf, recipient, kind, state) VALUES (:own, :own, :own, 'record', 'x'"),
            ("erased_records", "issuer, leaf) VALUES (:own, :own, :own"),
        ):
            world.node.sql(
                f"INSERT INTO node.{table} (organisation_id, {columns}) ON CONFLICT DO NOTHING",
                own=party.id,
            )
    return world


def test_a_consent_is_seen_by_its_parties_alone(world: World, secret: bytes) -> None:
    record = world.make_record(secret, recipients=[world.provider.did])
    world.grant(record)
    world.wait_for_state(record, "active")
    leaf = to_hex(leaf_of(record.entry))
    assert send(world.provider.client, "GET", f"/v1/consents/{leaf}").status_code == 200
    for client in (world.consumer.client, world.operator):
        for path in (f"/v1/consents/{leaf}", f"/v1/proofs/{leaf}"):
            assert_problem(send(client, "GET", path), 404, "consent-not-found", None)
        question = {"consents": [{"leaf": leaf}]}
        answer = send(client, "POST", "/v1/consents/status", question)
        assert_problem(answer, 404, "consent-not-found", "consents.0.leaf")


def test_whoever_shows_the_entry_gets_the_status_and_no_more(world: World, secret: bytes) -> None:
    record = world.make_record(secret, recipients=[world.provider.did])
    world.grant(record)
    world.wait_for_state(record, "active")
    answer = world.status(record, world.operator)
    assert (answer["state"], answer["assurance"]) == ("active", None)


def test_vouchers_and_settlements_are_the_parties_own(settled: World) -> None:
    agreement = to_hex(settled.agreement)
    assert settled.consumer.client.get("/v1/vouchers", agreement=agreement)["items"]
    assert settled.operator.get("/v1/vouchers", agreement=agreement)["items"] == []
    [row] = settled.node.sql(
        "SELECT subject FROM node.outbox WHERE kind = 'settle' ORDER BY outbox_id DESC LIMIT 1"
    )
    path = f"/v1/settlements/{to_hex(row.subject)}"
    for client in (settled.provider.client, settled.consumer.client):
        assert send(client, "GET", path).status_code == 200
    assert_problem(send(settled.operator, "GET", path), 404, "settlement-not-found", None)


def test_every_table_of_organisations_is_under_row_level_security(world: World) -> None:
    rows = world.node.sql(
        "SELECT c.relname, c.relrowsecurity, r.rolname AS owner FROM pg_class c"
        " JOIN pg_roles r ON r.oid = c.relowner"
        " WHERE c.relnamespace = 'node'::regnamespace AND c.relkind = 'r'"
    )
    secured = sorted(row.relname for row in rows if row.relrowsecurity)
    assert secured == OWNED
    assert not {row.owner for row in rows} & ROLES
    with_organisation = world.node.sql(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'node' AND column_name = 'organisation_id'"
    )
    assert sorted(row.table_name for row in with_organisation) == OWNED


def test_no_role_of_the_node_is_above_row_level_security(world: World) -> None:
    rows = world.node.sql(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole AS above FROM pg_roles"
        " WHERE rolname LIKE 'ptx_%'"
    )
    assert {row.rolname for row in rows} == ROLES
    assert not any(row.above for row in rows)


@pytest.mark.parametrize("table", READ)
def test_the_api_sees_rows_of_the_current_organisation_alone(settled: World, table: str) -> None:
    statement = text(f"SELECT DISTINCT organisation_id FROM node.{table}")
    seen = set()
    for party in (settled.provider, settled.consumer):
        with under(settled, API_ROLE, party.id) as connection:
            found = set(connection.scalars(statement))
        assert found <= {party.id}
        seen |= found
    assert seen, f"nothing stands in {table}: the test shows nothing"
    with under(settled, API_ROLE) as connection:
        assert connection.execute(statement).first() is None


@pytest.mark.parametrize("table", sorted({*OWNED} - BY_FUNCTION))
def test_the_api_writes_no_row_for_another_organisation(settled: World, table: str) -> None:
    with settled.node.engine.connect() as connection:
        row = connection.execute(text(f"SELECT * FROM node.{table} LIMIT 1")).mappings().first()
    assert row is not None, f"nothing stands in {table}: the test shows nothing"
    stranger = {**row, "organisation_id": settled.story.stage.operator_id}
    columns = [name for name in stranger if name not in ("outbox_id", "transaction_id")]
    names, places = ", ".join(f'"{n}"' for n in columns), ", ".join(f":{n}" for n in columns)
    values = {name: _plain(stranger[name]) for name in columns}
    with (
        under(settled, API_ROLE, settled.consumer.id) as connection,
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        connection.execute(text(f"INSERT INTO node.{table} ({names}) VALUES ({places})"), values)


def _plain(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict) else value


def test_a_withdrawal_is_promised_by_anyone_and_listed_by_nobody(settled: World) -> None:
    key = b"\x52" * 32
    record = settled.grant_active(key)
    settled.withdraw(record, key)
    for organisation in (settled.provider.id, settled.consumer.id, None):
        with under(settled, API_ROLE, organisation) as connection:
            statement = text("SELECT 1 FROM node.outbox WHERE kind = 'withdraw'")
            assert connection.execute(statement).first() is None


@pytest.mark.parametrize("role", RIGHTS)
def test_each_role_has_these_rights_on_the_nodes_tables_and_no_other(
    world: World, role: str
) -> None:
    rows = world.node.sql(
        "SELECT c.relname, p.privilege FROM pg_class c CROSS JOIN unnest(ARRAY["
        " 'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'"
        " ]) AS p(privilege) WHERE c.relnamespace = 'node'::regnamespace AND c.relkind = 'r'"
        " AND (has_table_privilege(:role, c.oid, p.privilege)"
        "  OR p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"
        "  AND has_any_column_privilege(:role, c.oid, p.privilege))",
        role=role,
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.relname, set()).add(row.privilege)
    assert found == RIGHTS[role]


@pytest.mark.parametrize("role", [*FUNCTIONS, "public"])
def test_each_role_executes_these_functions_and_no_other(world: World, role: str) -> None:
    rows = world.node.sql(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'node'::regnamespace"
        " AND has_function_privilege(:role, p.oid, 'EXECUTE')",
        role=role,
    )
    assert {row.proname for row in rows} == FUNCTIONS.get(role, set())


@pytest.mark.parametrize("table", APPENDED)
@pytest.mark.parametrize("statement", ["DELETE FROM node.{}", "UPDATE node.{} SET {} = {}"])
def test_what_the_api_writes_it_never_changes(world: World, table: str, statement: str) -> None:
    column = "leaf" if table == "withdrawals" else "organisation_id"
    with (
        under(world, API_ROLE, world.provider.id) as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(statement.format(table, column, column)))


FORBIDDEN = (
    (SENDER_ROLE, "SELECT * FROM node.consents"),
    (SENDER_ROLE, "SELECT * FROM node.api_keys"),
    (
        SENDER_ROLE,
        "INSERT INTO node.outbox (kind, subject, order_key, payload) VALUES ('sign', '', '', '{}')",
    ),
    (SENDER_ROLE, "SELECT * FROM ledger.endings"),
    (SENDER_ROLE, "UPDATE node.outbox SET payload = '{}'"),
    (SENDER_ROLE, "UPDATE node.transactions SET data = ''"),
    (SENDER_ROLE, "UPDATE node.attempts SET raw = ''"),
    (SENDER_ROLE, "DELETE FROM node.attempts"),
    (API_ROLE, "UPDATE node.agreement_documents SET terms = terms"),
    (SENDER_ROLE, "SELECT * FROM node.idempotency"),
    (SENDER_ROLE, "DELETE FROM node.idempotency"),
    (SENDER_ROLE, "SELECT * FROM node.principal_of('')"),
    (SENDER_ROLE, "SELECT * FROM node.settlement_promise('')"),
    (INDEXER_ROLE, "SELECT * FROM node.consents"),
    (INDEXER_ROLE, "SELECT * FROM node.outbox"),
    (WEBHOOKS_ROLE, "SELECT * FROM node.consents"),
    (WEBHOOKS_ROLE, "SELECT * FROM node.outbox"),
    (WEBHOOKS_ROLE, "UPDATE node.webhooks SET url = ''"),
    (WEBHOOKS_ROLE, "DELETE FROM node.webhooks"),
    (WEBHOOKS_ROLE, "UPDATE node.deliveries SET recipient = ''"),
    (WEBHOOKS_ROLE, "INSERT INTO node.deliveries VALUES ('', '', '', '')"),
    (WEBHOOKS_ROLE, "SELECT node.erase_record('', '')"),
    (API_ROLE, "UPDATE node.deliveries SET state = 'delivered'"),
    (API_ROLE, "DELETE FROM node.erased_records"),
    (API_ROLE, "INSERT INTO node.erased_records VALUES ('', '', '')"),
    (API_ROLE, "SELECT * FROM node.used_tokens"),
    (API_ROLE, "SELECT * FROM node.record_to_deliver('', '')"),
    (API_ROLE, "UPDATE node.webhooks SET sealed_secret = ''"),
    (API_ROLE, "UPDATE node.api_keys SET role = 'admin'"),
    (API_ROLE, "UPDATE node.api_keys SET expires_at = NULL"),
    (API_ROLE, "UPDATE node.people SET organisation_id = ''"),
    (API_ROLE, "UPDATE node.passkeys SET public_key = ''"),
    (API_ROLE, "UPDATE node.person_sessions SET expires_at = now()"),
    (WEBHOOKS_ROLE, "SELECT * FROM node.people"),
    (SENDER_ROLE, "SELECT * FROM node.person_of_session('', 1)"),
    (API_ROLE, "SELECT node.forget_answers(7, 1)"),
    (API_ROLE, "UPDATE node.consent_requests SET token_hash = ''"),
    (API_ROLE, "UPDATE node.rights_requests SET received_at = 0"),
    (API_ROLE, "DELETE FROM node.rights_requests"),
    (SENDER_ROLE, "SELECT * FROM node.consent_requests"),
    (SENDER_ROLE, "SELECT * FROM node.uses_held()"),
    (API_ROLE, "DELETE FROM ledger.endings"),
    (API_ROLE, "UPDATE ledger.endings SET who = ''"),
    (API_ROLE, "UPDATE indexing.heartbeat SET head_read_at = now()"),
    (API_ROLE, "UPDATE node.transactions SET state = 'final'"),
)


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_each_role_has_the_least_rights(world: World, role: str, statement: str) -> None:
    with (
        under(world, role, world.provider.id) as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize("party", ["provider", "consumer"])
def test_nobody_but_issuer_and_holder_of_a_copy_erases_it(
    settled: World, secret: bytes, party: str
) -> None:
    """The issuer erases all copies of what it issued, another party its own."""
    record = settled.grant_active(secret)
    leaf, organisation = leaf_of(record.entry), settled.story.parties[party].id
    copies = "SELECT organisation_id FROM node.consents WHERE leaf = :leaf AND {}"
    erase = text("SELECT node.erase_record(:leaf, :issuer)")

    def held(connection: Connection) -> set[bytes]:
        connection.execute(text("RESET ROLE"))
        statement = text(copies.format("wrapped_key IS NOT NULL"))
        return set(connection.scalars(statement, {"leaf": leaf}))

    both = {settled.provider.id, settled.consumer.id}
    for who, issuer in (
        (settled.story.stage.operator_id, settled.provider.id),
        (settled.story.stage.operator_id, settled.story.stage.operator_id),
        (settled.consumer.id, settled.consumer.id),
    ):
        with under(settled, API_ROLE, who) as connection:
            connection.execute(erase, {"leaf": leaf, "issuer": issuer})
            assert held(connection) == both
    with under(settled, API_ROLE, organisation) as connection:
        connection.execute(erase, {"leaf": leaf, "issuer": settled.provider.id})
        left = held(connection)
    assert left == (set() if party == "provider" else {settled.provider.id})

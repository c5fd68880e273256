"""The interface as a stranger finds it: its description, its health, its public answers."""

from __future__ import annotations

import httpx
import psutil
import pytest

from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.stage import Json, World

NOUNS = (
    "participants",
    "catalogue",
    "agreements",
    "consent-requests",
    "requests",
    "consents",
    "withdrawals",
    "proofs",
    "usages",
    "vouchers",
    "settlements",
    "accounts",
    "statements",
    "rates",
    "events",
    "webhooks",
    "rights-requests",
)


@pytest.fixture(scope="module")
def description(world: World) -> Json:
    answer = httpx.get(f"{world.node.url}/openapi.json")
    assert answer.status_code == 200
    described: Json = answer.json()
    return described


def operations(description: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_has_a_summary_and_says_what_it_does(description: Json) -> None:
    for name, operation in operations(description).items():
        assert operation.get("summary"), name
        assert operation.get("description"), name


def test_every_noun_has_its_route(description: Json) -> None:
    for noun in NOUNS:
        assert any(path.startswith(f"/v1/{noun}") for path in description["paths"]), noun


def test_every_promise_is_described_as_one(description: Json) -> None:
    for name, operation in operations(description).items():
        success = {code for code in operation["responses"] if code.startswith("2")}
        assert len(success) == 1, name
    assert "202" in operations(description)["POST /v1/consents"]["responses"]


def test_the_documentation_is_a_page(world: World) -> None:
    answer = httpx.get(f"{world.node.url}/docs")
    assert answer.status_code == 200
    assert "text/html" in answer.headers["content-type"]


def test_the_node_is_alive_ready_and_measured(world: World) -> None:
    assert httpx.get(f"{world.node.url}/healthz").json() == {"status": "alive"}
    ready = httpx.get(f"{world.node.url}/readyz").json()
    assert ready["status"] == "ready"
    assert ready["chainId"] == world.chain_id
    metrics = send(world.operator, "GET", "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    names = {line.split("{")[0].split(" ")[0] for line in metrics.text.splitlines()}
    assert {
        "ptx_http_requests_total",
        "ptx_outbox_open",
        "ptx_index_block",
        "ptx_index_proven_block",
        "ptx_index_age_seconds",
    } <= names


def test_what_is_counted_is_the_operators_alone(world: World) -> None:
    """A padded batch hides how many consents it holds; a counter beside it would tell."""
    assert_problem(httpx.get(f"{world.node.url}/metrics"), 401, "key-invalid", None)
    hosted = send(world.provider.client, "GET", "/metrics")
    assert_problem(hosted, 403, "not-the-operator", None)
    ready = httpx.get(f"{world.node.url}/readyz").json()
    assert {*ready} == {"status", "chainId", "blockNumber", "ageSeconds"}


def test_metrics_count_requests_by_route_and_name_nobody(world: World) -> None:
    leaf = "0x" + "ab" * 32
    send(world.consumer.client, "GET", f"/v1/consents/{leaf}")
    text = world.node.metrics()
    line = 'ptx_http_requests_total{method="GET",route="/v1/consents/{leaf}",status="404"}'
    assert line in text
    assert "ab" * 32 not in text


def test_the_ledger_names_its_contracts(world: World) -> None:
    ledger = httpx.get(f"{world.node.url}/v1/ledger").json()
    assert ledger["chainId"] == world.chain_id
    assert ledger["consentRegistry"] == to_hex(world.address("ConsentRegistry"))
    for address in ledger["contracts"].values():
        assert len(world.web3.eth.get_code(world.web3.to_checksum_address(address))) > 100


def test_participants_are_public_and_come_in_pages(world: World) -> None:
    seen, after = [], None
    for _ in range(10):
        query = {"limit": 1, **({"after": after} if after else {})}
        page = httpx.get(f"{world.node.url}/v1/participants", params=query).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    dids = [item["did"] for item in seen]
    ids = [item["organisationId"] for item in seen]
    assert ids == sorted(set(ids))
    assert {world.provider.did, world.consumer.did, "did:web:operator.localhost"} <= {*dids}
    names = {item["did"]: item["name"] for item in seen}
    assert names[world.provider.did] == world.provider.entry.name


def test_a_participant_shows_accounts_scopes_and_delegations(world: World) -> None:
    shown = httpx.get(f"{world.node.url}/v1/participants/{to_hex(world.provider.id)}").json()
    [account] = shown["accounts"]
    assert account["account"] == to_hex(world.provider.account)
    assert account["scopes"] == ["manage", "agree", "anchor", "voucher", "claim"]
    [delegation] = shown["delegations"]
    assert delegation["operator"] == to_hex(world.story.stage.operator_id)
    assert delegation["scopes"] == ["agree", "anchor"]
    unknown = send(world.operator, "GET", "/v1/participants/0x" + "00" * 20)
    assert_problem(unknown, 404, "participant-not-found", None)


@pytest.mark.parametrize("limit", [0, 101, "many"])
def test_a_page_has_1_to_100_items(world: World, limit: object) -> None:
    answer = send(world.operator, "GET", f"/v1/participants?limit={limit}")
    assert_problem(answer, 422, "request-invalid", "limit")


@pytest.mark.parametrize("period", ["2026-13", "now", "0000-01"])
def test_a_statement_is_of_a_month(world: World, period: str) -> None:
    answer = send(world.operator, "GET", f"/v1/statements/{period}")
    assert_problem(answer, 422, "request-invalid", "month")


def test_the_key_files_are_private(world: World) -> None:
    settings = world.node.settings
    files = [settings.api_key_file, *settings.keys_dir.iterdir()]
    assert len(files) > 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert settings.keys_dir.stat().st_mode & 0o077 == 0


def test_nothing_listens_beyond_this_machine(world: World) -> None:
    pids = {entry.pid for entry in world.node.running.processes}
    family = {child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)}
    listening = [
        connection.laddr.ip
        for connection in psutil.net_connections("inet")
        if connection.pid in pids | family and connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}

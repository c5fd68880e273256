"""Whatever is sent, the answer is one that is described: no error of the server, no status, header,
content or shape but those declared.

Requests are made from the description (its examples, its borders, and at random), once as they are
and once about objects that exist; bodies that succeed are bent in one place. Unknown fields and
methods are refused everywhere.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from node.api.recorded_examples import parts_of
from tests.access.signing import HTTP
from tests.boundaries.scene import Scene
from tests.boundaries.valid_requests import (
    BODIES,
    DESCRIPTION,
    Asked,
    Operation,
    delivery_token,
    earlier_request,
    operations,
    operations_of,
    schemes_of,
)
from tests.stage import Json

EXAMPLES = 50
EXAMPLES_BENT = 12
EXAMPLES_DEEP = 1_000
DEEP_PARTS = 4
METHODS = {"get", "post", "put", "patch", "delete"}
FREE_FORM = {"records", "document", "receipts", "clientExtensionResults"}
"""Objects of other standards or schemas, whose fields the interface does not name itself."""
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
described_as = dict(operations())


def description_to_send_by() -> Json:
    """With documents of consents left open. Their schema has hundreds of borders, and to make and
    send something at each takes minutes; records that succeed are bent in every place below. And
    without the recorded examples, whose organisations and keys are of another ledger."""
    document = copy.deepcopy(DESCRIPTION)
    document["components"]["schemas"]["ConsentDocument"] = {"type": "object"}
    for _, operation in operations_of(document):
        for described in parts_of(operation).values():
            del described["example"]
    return document


schema = schemathesis.openapi.from_dict(description_to_send_by())


def generated(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=examples < EXAMPLES_DEEP,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # to make a failure smaller takes minutes
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module", autouse=True)
def as_before(scene: Scene) -> Iterator[None]:
    """What valid requests made in great number is gone afterwards: there are limits."""
    owner, sql = scene.world.provider.id, scene.world.node.sql
    names = {"webhooks": "webhook_id", "api_keys": "key_hash"}
    before = {table: [row[0] for row in sql(f"SELECT {key} FROM node.{table}")]
              for table, key in names.items()}  # fmt: skip
    yield
    for table, key in names.items():
        sql(
            f"DELETE FROM node.{table} WHERE organisation_id = :owner"
            f" AND NOT {key} = ANY(CAST(:before AS bytea[]))",
            owner=owner,
            before=before[table],
        )


SESSION = requests.Session()
"""A connection for all, else each request makes one."""
NAMING = {"recipient", "agreementId"}
"""Fields of bodies that name a thing, as a part of the address does elsewhere."""
_sent = count()


class SignedAsSent(AuthBase):
    """A node's token for the body that goes out, whatever it is: what lies behind the signature is
    reached."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        request.headers["Authorization"] = f"Bearer {delivery_token(self.scene, content)}"
        return request


def send_and_judge(scene: Scene, case: schemathesis.Case) -> None:
    """By turns as it is, and about what exists."""
    operation = (case.operation.method.lower(), case.operation.path)
    real = earlier_request(scene, operation, described_as[operation])
    if next(_sent) % 2:
        case.path_parameters = {**case.path_parameters, **real.path}
        case.headers = {**case.headers, **real.headers}
        if isinstance(case.body, dict) and isinstance(real.body, dict):
            named = {name: real.body[name] for name in NAMING & case.body.keys() & real.body.keys()}
            case.body = {**case.body, **named}
    more: dict[str, Any] = {}
    is_signed = "NodeToken" in schemes_of(described_as[operation])
    if is_signed:
        more["auth"] = SignedAsSent(scene)
    elif real.token is not None:
        more["headers"] = {"Authorization": f"Bearer {real.token}"}
    url = scene.world.node.url
    answer = case.call_and_validate(base_url=url, session=SESSION, checks=CONFORMANCE, **more)
    assert not is_signed or answer.status_code != 401, answer.text


@schema.parametrize()
@generated(EXAMPLES)
def test_whatever_is_sent_the_answer_is_one_that_is_declared(
    case: schemathesis.Case, scene: Scene
) -> None:
    send_and_judge(scene, case)


def part_of(number: int) -> Any:
    """Every fourth operation: a part takes less than half an hour."""
    chosen = [each for place, each in enumerate(operations()) if place % DEEP_PARTS == number]
    names = {operation for operation, _ in chosen}
    return schema.include(
        lambda context: (context.operation.method.lower(), context.operation.path) in names
    )


def deep(number: int) -> Callable[..., None]:
    @pytest.mark.deep
    @part_of(number).parametrize()
    @generated(EXAMPLES_DEEP)
    def test(case: schemathesis.Case, scene: Scene) -> None:
        send_and_judge(scene, case)

    return test  # type: ignore[no-any-return]  # schemathesis' decorators have no types


test_deep_part_0, test_deep_part_1 = deep(0), deep(1)
test_deep_part_2, test_deep_part_3 = deep(2), deep(3)


# -- bodies that succeed, bent ---------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=4,
)


def places_in(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a JSON value."""
    yield place
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in inner:
            yield from places_in(part, (*place, name))


def bent(body: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy in which the part at the place was changed within what holds it."""
    copied = {"body": copy.deepcopy(body)}
    holder: Any = copied
    *way, last = ("body", *place)
    for name in way:
        holder = holder[name]
    change(holder, last)
    return copied.get("body")


def changes(data: st.DataObject, body: Any) -> Any:
    place = data.draw(st.sampled_from(list(places_in(body))))
    kind = data.draw(st.sampled_from(("another value", "left out", "one character", "twice")))

    def change(holder: Any, name: Any) -> None:
        value = holder[name]
        if kind == "left out":
            del holder[name]
        elif kind == "one character" and isinstance(value, str) and value:
            at = data.draw(st.integers(0, len(value) - 1))
            holder[name] = value[:at] + data.draw(st.characters(codec="utf-8")) + value[at + 1 :]
        elif kind == "twice" and isinstance(value, list):
            holder[name] = value * 2
        else:
            holder[name] = data.draw(ANY_JSON)

    return bent(body, place, change)


WITH_BODIES = [pytest.param(each, id=" ".join(each)) for each in BODIES]


def sent(scene: Scene, asked: Asked) -> Any:
    """By who may, with a token for this body where it needs one."""
    if "NodeToken" in schemes_of(described_as[asked.method, asked.route]):
        asked = replace(asked, token=delivery_token(scene, asked.content or b""))
    return asked.send(scene.world.node.url, asked.token)


def judged_bent(scene: Scene, operation: Operation, examples: int) -> None:
    real = earlier_request(scene, operation, described_as[operation])
    case = schema[operation[1]][operation[0]].Case(path_parameters=real.path)

    @generated(examples)
    @given(data=st.data())
    def judge(data: st.DataObject) -> None:
        answer = sent(scene, replace(real, body=changes(data, real.body)))
        case.validate_response(answer, checks=CONFORMANCE)

    judge()


@pytest.mark.parametrize("operation", WITH_BODIES)
def test_a_body_that_is_bent_is_answered_as_declared(scene: Scene, operation: Operation) -> None:
    judged_bent(scene, operation, EXAMPLES_BENT)


@pytest.mark.deep
@pytest.mark.parametrize("operation", WITH_BODIES)
def test_deep_a_body_that_is_bent_is_answered_as_declared(
    scene: Scene, operation: Operation
) -> None:
    judged_bent(scene, operation, EXAMPLES_DEEP)


# -- what nobody knows -----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", WITH_BODIES)
def test_an_unknown_field_is_refused_wherever_it_stands(scene: Scene, operation: Operation) -> None:
    real = earlier_request(scene, operation, described_as[operation])
    if isinstance(real.body, str):
        head, _, line = real.body.partition("\n")
        answer = sent(scene, replace(real, body=f"unknownField,{head}\nx,{line}"))
        assert answer.status_code == 422, answer.text
        return
    for place in places_in(real.body):
        part: Any = real.body
        for name in place:
            part = part[name]
        if not isinstance(part, dict) or FREE_FORM & {*place} or operation[1].endswith("/records"):
            continue
        unknown = {**part, "unknownField": 1}
        body = unknown if not place else bent(
            real.body, place, lambda holder, name, unknown=unknown: holder.update({name: unknown})
            if isinstance(holder, dict) else holder.__setitem__(name, unknown)
        )  # fmt: skip
        answer = sent(scene, replace(real, body=body))
        assert answer.status_code == 422, (place, answer.text)
        assert "unknownField" in answer.text


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_a_method_that_is_not_described_is_refused(scene: Scene, path: str) -> None:
    described: Json = DESCRIPTION["paths"][path]
    real = earlier_request(scene, (next(iter(described)), path), next(iter(described.values())))
    for method in METHODS - described.keys():
        answer = HTTP.request(method, scene.world.node.url + real.target)
        neighbours = answer.headers.get("allow", "")
        if answer.status_code == 405:
            assert method.upper() not in neighbours
        else:  # another route, whose parameter takes this path's last word
            assert answer.status_code in (401, 404, 422), answer.text

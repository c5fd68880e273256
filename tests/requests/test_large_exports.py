"""A learner's export comes in pieces: all of it, in order, few at a time."""

from __future__ import annotations

import pytest

from node.api import export_places
from node.api.export_places import EXPORTS_OF_NETWORK_MAX, ExportPlaces
from node.api.learner_export import CONSENTS_OF_PIECE, PRINTED_CONSENTS_MAX
from node.export_pdf import write_pdf
from node.problems import Problem
from protocol.entries import leaf_of
from protocol.record import check_record, from_json
from protocol.types import to_hex
from tests.refusals import send
from tests.requests.learner_session import session_of
from tests.requests.test_my_rights import example_export, text_of
from tests.stage import World

COPY = (
    "INSERT INTO node.consents SELECT (c).* FROM (SELECT jsonb_populate_record(NULL::node.consents,"
    " to_jsonb(s) || jsonb_build_object('leaf', '\\x' || encode(sha256(s.leaf || n::text::bytea),"
    " 'hex'), 'wrapped_key', NULL, 'valid_from', s.valid_from - n)) AS c"
    " FROM node.consents s, generate_series(1, :copies) AS n"
    " WHERE s.leaf = :leaf AND s.organisation_id = :organisation) AS made"
)
"""Rows beside a consent of the same key, that begin before it; their records are erased."""
FORGET = "DELETE FROM node.consents WHERE holder = :holder AND leaf <> :leaf"


def test_an_export_of_many_pieces_has_each_consent_once(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    leaf, copies = leaf_of(record.entry), 2 * CONSENTS_OF_PIECE + 3
    world.node.sql(COPY, leaf=leaf, organisation=world.provider.id, copies=copies)
    try:
        answer = send(session_of(world, secret), "GET", "/v1/me/export")
    finally:
        world.node.sql(FORGET, holder=record.entry.holder, leaf=leaf)
    assert "content-length" not in answer.headers, "it was whole before any of it was sent"
    whole = answer.json()
    leaves = [consent["status"]["leaf"] for consent in whole["consents"]]
    assert len(leaves) == len({*leaves}) == copies + 1
    [first, *others] = whole["consents"]
    assert first["status"]["leaf"] == to_hex(leaf)
    assert check_record(from_json(first["record"])).leaf == leaf
    assert all(consent["record"] is None for consent in others)
    assert whole["moreUses"] is False


def test_a_pdf_says_that_there_is_more_than_it_shows() -> None:
    export = {**example_export("To find work"), "moreConsents": True}
    assert "and more, in the JSON file" in text_of(write_pdf(export))
    assert PRINTED_CONSENTS_MAX == 1_000


def test_a_network_has_its_share_of_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_places, "EXPORTS_MAX", EXPORTS_OF_NETWORK_MAX + 1)
    places = ExportPlaces()
    held = [places.taken("one") for _ in range(EXPORTS_OF_NETWORK_MAX)]
    for place in held:
        place.__enter__()
    with pytest.raises(Problem, match="for your network"), places.taken("one"):
        pass
    with places.taken("two"), pytest.raises(Problem, match="on this node"), places.taken("three"):
        pass
    held[0].__exit__(None, None, None)
    with places.taken("one"):
        pass

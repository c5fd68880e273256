"""A whole node at the size of France's learners: 13 million consents on the chain, in the index and
in one organisation's hands, and how fast they are indexed, asked for and proven.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, make_url

from indexer.queries.consents import batch_leaves, find_anchoring
from node.api_keys import hash_api_key, new_api_key
from node.bench.dense_chain import DenseChain, open_dense_chain
from node.bench.figures import Figure, measured
from node.bench.follower_runs import MEBIBYTE, Server, new_database, run_follower
from node.bench.indexing import settings_of
from node.bench.load import Question, prepare_request, run_load
from node.bench.population import Population, is_ended
from node.bench.services import started, wait_until_ready
from protocol.entries import leaf_of
from protocol.merkle import inclusion_path, verify_inclusion
from protocol.types import to_hex

SECTION = "millions"
CONSENTS = 13_000_000
LEAVES_A_BATCH = 1_000
CONNECTIONS = 64
LOAD_SECONDS = 10.0
QUESTIONS = 100_000
BATCH = 1_000
BATCHES = 300
BATCH_CONNECTIONS = 16
PROOFS = 2_000
SEALED_BYTES = 1_300


def measure_millions(folder: Path, server: Server) -> Iterator[Figure]:
    """Anchors, indexes, keeps, asks and proves; on a server that the bench starts."""
    with open_dense_chain(folder) as chain, new_database(server) as url:
        population = _populate(chain)
        yield from _index(chain, folder, url, server)
        key = keep_consents(url, population, bytes(chain.ledger.company.organisation))
        with started(("indexer", "api"), chain, folder, url) as api_url:
            wait_until_ready(api_url)
            yield from _checks(api_url, key, population)
            yield from _batches(api_url, key, population)
        yield from _proofs(url, population)


def _populate(chain: DenseChain) -> Population:
    ledger = chain.ledger
    terms = ledger.terms((ledger.school, ledger.company), (ledger.school,))
    ledger.conclude(terms)
    population = Population(
        size=CONSENTS,
        agreement_id=ledger.agreement_id(terms),
        issuer=ledger.school.organisation,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
    )
    for number, leaf in zip(range(3), population.leaves(), strict=False):
        assert leaf == leaf_of(population.entry(number)), number
    chain.anchor_leaves(population.leaves(), CONSENTS, LEAVES_A_BATCH)
    chain.withdraw(population.ended(population.leaves()))
    return population


def _index(chain: DenseChain, folder: Path, url: str, server: Server) -> Iterator[Figure]:
    run = run_follower(chain, folder, url, server)
    assert run.leaves == CONSENTS, run
    yield from settings_of(SECTION, run)
    rate, name = CONSENTS / run.seconds, "leaves indexed, their index included"
    yield measured(SECTION, name, rate, "a second", "≥ 300,000")
    yield measured(SECTION, "13 million leaves indexed", run.seconds, "s", "< 180")
    yield measured(SECTION, "on disk, with indexes", run.leaves_bytes / MEBIBYTE, "MiB")
    yield measured(SECTION, "memory at most", run.peak_bytes / MEBIBYTE, "MiB", "≤ 500")


def keep_consents(url: str, population: Population, organisation: bytes) -> str:
    """Makes an organisation hold all of the consents; gives an API key of its.

    The sealed records are as long as real ones, and all alike.
    """
    key = new_api_key()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute(
            "INSERT INTO node.organisations (organisation_id, did, name)"
            " VALUES (%s, 'did:ebsi:company', 'Company')",
            [organisation],
        )
        connection.execute(
            "INSERT INTO node.api_keys (key_hash, organisation_id, role, label)"
            " VALUES (%s, %s, 'admin', 'bench')",
            [hash_api_key(key), organisation],
        )
        indexes = _drop_indexes(connection)
        connection.execute("CREATE TEMP TABLE coming (leaf bytea, holder bytea, commitment bytea)")
        with connection.cursor().copy("COPY coming FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["bytea", "bytea", "bytea"])
            for number, leaf in enumerate(population.leaves()):
                entry = population.entry(number)
                copy.write_row((leaf, entry.holder, entry.commitment))
        connection.execute(
            "INSERT INTO node.consents (organisation_id, leaf, agreement_id, issuer, holder,"
            " valid_from, valid_until, commitment, assurance, sealed_record, wrapped_key)"
            " SELECT %s, leaf, %s, %s, holder, %s, %s, commitment, 'signed', %s, %s FROM coming",
            [
                organisation,
                population.agreement_id,
                population.issuer,
                population.valid_from,
                population.valid_until,
                secrets.token_bytes(SEALED_BYTES),
                secrets.token_bytes(40),
            ],
        )
        connection.execute("SET maintenance_work_mem = '1GB'")
        for statement in indexes:
            connection.execute(statement)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE node.consents, ledger.leaves, ledger.endings")
        connection.execute("CHECKPOINT")  # no node writes down millions while it is asked
        _read_all(connection)
    return key


def _read_all(connection: psycopg.Connection) -> None:
    """Reads once what a node reads all day, the leaves and all indexes: what was written last, the
    sealed records, is not what is asked for."""
    connection.execute("SELECT sum(length(leaf)) FROM ledger.leaves")
    connection.execute("SET enable_seqscan = off")
    for statement in (
        "SELECT count(assurance) FROM node.consents",
        "SELECT count(leaf) FROM ledger.leaves WHERE leaf >= ''",
        "SELECT count(leaf_index) FROM ledger.leaves WHERE leaf_index >= 0",
        "SELECT count(who) FROM ledger.endings",
    ):
        connection.execute(statement)


def _drop_indexes(connection: psycopg.Connection) -> list[sql.SQL]:
    """Drops all of the consents' indexes, the key's included; gives what makes them again."""
    rows = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), c.conname,"
        " pg_get_constraintdef(c.oid) FROM pg_index AS i"
        " LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid"
        " WHERE i.indrelid = 'node.consents'::regclass"
    ).fetchall()
    again = []
    for index, definition, constraint, constraint_definition in rows:
        if constraint is None:
            connection.execute(sql.SQL(f"DROP INDEX {index}"))
            again.append(sql.SQL(definition))
        else:
            connection.execute(sql.SQL(f"ALTER TABLE node.consents DROP CONSTRAINT {constraint}"))
            again.append(sql.SQL(f"ALTER TABLE node.consents ADD {constraint_definition}"))
    return again


def _question(api_url: str, key: str, population: Population, count: int) -> Question:
    """A status check of random consents, and what must be in its answer."""
    numbers = random.sample(range(population.size), count)
    leaves = [to_hex(leaf_of(population.entry(number))) for number in numbers]
    states = ["withdrawn" if is_ended(number) else "active" for number in numbers]
    body = json.dumps({"consents": [{"leaf": leaf} for leaf in leaves]}).encode()
    return Question(
        prepare_request(api_url, "POST", "/v1/consents/status", body, key),
        tuple(
            f'"leaf":"{leaf}","state":"{state}"'.encode()
            for leaf, state in zip(leaves, states, strict=True)
        ),
    )


def _checks(api_url: str, key: str, population: Population) -> Iterator[Figure]:
    empty = Question(prepare_request(api_url, "GET", "/healthz", b"", None))
    result = run_load(api_url, [empty], CONNECTIONS, LOAD_SECONDS)
    yield measured(SECTION, "an empty route, 64 connections", result.rate, "a second")
    questions = [_question(api_url, key, population, 1) for _ in range(QUESTIONS)]
    run_load(api_url, questions[: QUESTIONS // 10], CONNECTIONS, LOAD_SECONDS / 10)
    result = run_load(api_url, questions, CONNECTIONS, LOAD_SECONDS)
    name = "status checks, one a request, 64 connections"
    yield measured(SECTION, name, result.rate, "a second", "≥ 6,000")
    yield measured(SECTION, "status check, p50", result.p50_milliseconds, "ms")
    yield measured(SECTION, "status check, p99", result.p99_milliseconds, "ms", "≤ 50")


def _batches(api_url: str, key: str, population: Population) -> Iterator[Figure]:
    questions = [_question(api_url, key, population, BATCH) for _ in range(BATCHES)]
    result = run_load(api_url, questions, BATCH_CONNECTIONS, LOAD_SECONDS)
    rate = result.rate * BATCH
    yield measured(SECTION, "status checks in batches of 1,000", rate, "a second", "≥ 200,000")


def _proofs(url: str, population: Population) -> Iterator[Figure]:
    durations = []
    with create_engine(url).connect() as connection:
        for number in random.sample(range(population.size), PROOFS):
            leaf = leaf_of(population.entry(number))
            started = time.perf_counter()
            anchoring = find_anchoring(connection, population.issuer, leaf)
            assert anchoring is not None, number
            leaves = batch_leaves(connection, anchoring)
            path = inclusion_path(leaves, anchoring.index)
            durations.append(time.perf_counter() - started)
            assert verify_inclusion(leaf, anchoring.index, anchoring.size, path, anchoring.root)
    durations.sort()
    p50, p99 = durations[PROOFS // 2], durations[int(PROOFS * 0.99)]
    yield measured(SECTION, "proof of inclusion, p50", 1_000 * p50, "ms")
    yield measured(SECTION, "proof of inclusion, p99", 1_000 * p99, "ms", "≤ 5")

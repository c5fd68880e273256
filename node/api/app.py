"""The application: its routes, its limits, and what it needs to start."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from node.api import openapi, problem_documents
from node.api.admission import Admission
from node.api.context import Context, judge_fresh
from node.api.gateway import Gateway
from node.api.governance.memory import FiguresMemory
from node.api.key_lookups import KeyLookups
from node.api.known_parameters import require_known_parameters
from node.api.learner_sessions import LearnerSessions
from node.api.operator_pages import OperatorPages
from node.api.organisation import all_pages
from node.api.routes import (
    accounts,
    agreements,
    api_keys,
    catalogue,
    consent_requests,
    consents,
    did_documents,
    events,
    governance,
    health,
    ledger,
    me,
    my_rights,
    outbox,
    pages,
    participant_pages,
    participants,
    people,
    person_sessions,
    problems,
    proofs,
    rates,
    records,
    requests,
    rights_requests,
    settlements,
    sign_in,
    statements,
    styleguide,
    usages,
    vouchers,
    webhooks,
    withdrawals,
)
from node.api.shared_grants import SharedGrants
from node.api.status_door import StatusDoor
from node.bootstrap import load_node, require_database_url
from node.commands.block_memory import BlockMemory
from node.commands.gate import Gate
from node.commands.quick_gate import QuickGate
from node.config import PROJECT_ROOT, Settings
from node.db import api_engine
from node.did_documents import DidDocuments
from node.did_keys import DidKeys
from node.known_operators import KnownOperators
from node.ledger_news import LedgerNews
from node.logs import configure_logs
from node.operator_identity import OperatorIdentity
from node.secret_files import load_master_key

DESCRIPTION = """Every error is a problem document (RFC 9457) with a remedy; [each kind has its
page](/problems)."""

OBJECTS_BETWEEN_COLLECTIONS = 50_000

ROUTERS = (
    participants,
    catalogue,
    agreements,
    consent_requests,
    requests,
    consents,
    withdrawals,
    records,
    did_documents,
    proofs,
    usages,
    vouchers,
    settlements,
    accounts,
    statements,
    styleguide,
    rates,
    events,
    webhooks,
    outbox,
    api_keys,
    people,
    sign_in,
    person_sessions,
    me,
    my_rights,
    rights_requests,
    health,
    ledger,
    pages,
    governance,
    participant_pages,
    all_pages,
    problems,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application of one node; settings come from the environment unless given."""
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logs(chosen.log_level)
        context = app.state.node = make_context(chosen)
        app.state.quick_gate = quick = QuickGate(
            context.database, context.gate, partial(judge_fresh, chosen)
        )
        app.state.shared_grants = SharedGrants(context)
        await quick.open()
        look_for_cycles_rarely()
        async with context.news.listening():
            yield
        await quick.close()
        await context.documents.close()
        await context.database.dispose()

    app = FastAPI(
        title="Prometheus-X ledger node",
        version="1",
        summary="Consents, data-use agreements and usage tokens, and the commission's accounts.",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # served by `pages`, without another host
        redoc_url=None,
        dependencies=[Depends(require_known_parameters)],
    )
    problem_documents.install(app)
    app.add_middleware(OperatorPages)
    app.add_middleware(Gateway)
    for module in ROUTERS:
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                route.summary = first_sentence(route.description)
        app.include_router(module.router)
    openapi.install(app)
    static = PROJECT_ROOT / "web" / "static"
    app.mount("/static", StaticFiles(directory=static, check_dir=False), name="static")
    return app


def look_for_cycles_rarely() -> None:
    """What is there now stays; and the records of one request are thousands of objects, none of
    them in a cycle, among which Python's collector looked for one many times over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def create_server() -> Admission:
    """The application behind its doors, as a server runs it."""
    settings = Settings()
    return Admission(StatusDoor(create_app(settings)), settings)


def first_sentence(description: str) -> str:
    """What the list of routes shows of each."""
    return " ".join(description.split(". ", maxsplit=1)[0].split()).rstrip(".")


def make_context(settings: Settings) -> Context:
    """The node's parts for its routes."""
    node = load_node(settings)
    database = api_engine(require_database_url(settings))
    return Context(
        settings=settings,
        deployment=node.deployment,
        database=database,
        master_key=load_master_key(settings.keys_dir),
        operator=node.operator,
        sessions=LearnerSessions(node.deployment.chain_id),
        gate=Gate(node.deployment.address_bytes("ConsentRegistry")),
        news=LedgerNews(require_database_url(settings)),
        documents=DidDocuments(database, settings.webhook_private_addresses),
        identity=OperatorIdentity(settings.operator_did, DidKeys(settings.keys_dir), database),
        memory=BlockMemory(),
        keys=KeyLookups(database),
        figures=FiguresMemory(),
        operators=KnownOperators(database, node.operator, settings.public_address),
    )

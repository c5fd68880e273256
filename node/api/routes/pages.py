"""Pages for learners, and the description of the API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from node.api.context import Context, NodeContext
from node.api.page_rendering import RELAY_HEADERS, render
from node.problems import Problem
from protocol.types import to_hex

router = APIRouter(include_in_schema=False)
WALLETCONNECT = "/wallets/walletconnect.js"


@router.get("/")
async def home() -> RedirectResponse:
    """The learner's page is the first one there is."""
    return RedirectResponse("/me")


@router.get("/me")
async def learner(request: Request, context: NodeContext) -> HTMLResponse:
    """A learner finds the consents that this node holds for them, and withdraws."""
    return render(request, "me.html", _place(context), _wallet_headers(context))


@router.get("/requests")
async def consent_request(request: Request, context: NodeContext) -> HTMLResponse:
    """The page behind the link of a consent request. The token stands behind the `#` of the
    address, so the node sees it only when the page shows it in a header."""
    return render(request, "requests.html", _place(context), _wallet_headers(context))


@router.get(WALLETCONNECT)
async def walletconnect(context: NodeContext) -> FileResponse:
    """The operator's own script for wallets on another device; a page loads it when asked to."""
    script = context.settings.walletconnect_script
    if script is None:
        detail = "This node offers no wallets on other devices."
        raise Problem.of("not-found", detail, "Use a wallet in this browser, or a passkey.")
    return FileResponse(script, media_type="text/javascript")


@router.get("/withdraw")
async def withdrawal_by_slip(request: Request, context: NodeContext) -> HTMLResponse:
    """Whoever holds a withdrawal slip withdraws the consent that it is for."""
    return render(request, "withdraw.html", _place(context))


@router.get("/handover")
async def handover(request: Request, context: NodeContext) -> HTMLResponse:
    """Who comes of age takes over the keys and slips that a parent or guardian kept."""
    return render(request, "handover.html", _place(context))


@router.get("/docs")
async def documentation(request: Request) -> HTMLResponse:
    """The API, from its own description; nothing is loaded from elsewhere."""
    return render(request, "docs.html", {})


def _place(context: Context) -> dict[str, Any]:
    """Whose page it is, and on which ledger: what the learner's keys depend on."""
    return {
        "operator_did": context.settings.operator_did,
        "operator_id": to_hex(context.operator),
        "chain_id": context.deployment.chain_id,
        "consent_registry": to_hex(context.consent_registry),
        "walletconnect_project": context.settings.walletconnect_project_id,
        "walletconnect_script": WALLETCONNECT,
    }


def _wallet_headers(context: Context) -> dict[str, str] | None:
    """A page that may speak with the relay of wallets says so; any other speaks with its node."""
    return RELAY_HEADERS if context.settings.walletconnect_project_id else None

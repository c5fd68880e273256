"""Pages for learners, and the description of the API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from node.api.context import Context, NodeContext
from node.api.page_rendering import WALLETCONNECT_RELAY, headers_reaching, render
from node.api.page_route import PageRoute
from node.problems import Problem
from protocol.types import to_hex

router = APIRouter(include_in_schema=False, route_class=PageRoute)
WALLETCONNECT = "/wallets/walletconnect.js"


@router.get("/")
async def home() -> RedirectResponse:
    """The learner's page is the first one there is."""
    return RedirectResponse("/me")


@router.get("/me")
async def learner(request: Request, context: NodeContext) -> HTMLResponse:
    """A learner finds consents again, at this node and at other operators', and withdraws."""
    others = [
        {"id": to_hex(each.organisation), "did": each.did, "origin": each.origin}
        for each in await context.operators.others()
    ]
    headers = headers_reaching([*await context.operators.origins(), *_relays(context)])
    return render(request, "me.html", {**_place(context), "others": others}, headers)


@router.get("/requests")
async def consent_request(request: Request, context: NodeContext) -> HTMLResponse:
    """The page behind the link of a consent request. The token stands behind the `#` of the
    address, so the node sees it only when the page shows it in a header."""
    return render(request, "requests.html", _place(context), headers_reaching(_relays(context)))


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


@router.get("/rights")
async def rights_without_keys(request: Request, context: NodeContext) -> HTMLResponse:
    """Who has lost every key asks an organisation, and follows the request by its link."""
    return render(request, "rights.html", _place(context))


@router.get("/check")
async def proof_file(request: Request, context: NodeContext) -> HTMLResponse:
    """Anybody opens a proof file, which the page checks by itself."""
    return render(request, "check.html", _place(context))


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
        "passkey_domain": context.settings.passkey_domain or "",
        "walletconnect_project": context.settings.walletconnect_project_id,
        "walletconnect_script": WALLETCONNECT,
    }


def _relays(context: Context) -> tuple[str, ...]:
    """What else than nodes a page with wallets may speak with: nothing unless it is set up."""
    return (WALLETCONNECT_RELAY,) if context.settings.walletconnect_project_id else ()

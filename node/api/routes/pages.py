"""Pages for people: HTML from `web/templates`, scripts and styles from `web/static/build`."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates

from node.api.context import NodeContext
from node.config import PROJECT_ROOT
from node.problems import Problem
from protocol.types import to_hex

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(PROJECT_ROOT / "web" / "templates")

LANGUAGE = "en"
BUILD_DIR = PROJECT_ROOT / "web" / "static" / "build"
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/")
async def home() -> RedirectResponse:
    """The learner's page is the first one there is."""
    return RedirectResponse("/me")


@router.get("/me")
async def learner(request: Request, context: NodeContext) -> HTMLResponse:
    """A learner finds the consents that this node holds for them, and withdraws."""
    values = {
        "language": LANGUAGE,
        "texts": texts_of(LANGUAGE),
        "built": built,
        "operator_did": context.settings.operator_did,
        "operator_id": to_hex(context.operator),
        "chain_id": context.deployment.chain_id,
        "consent_registry": to_hex(context.consent_registry),
    }
    return templates.TemplateResponse(request, "me.html", values, headers=SECURITY_HEADERS)


@router.get("/docs")
async def documentation(request: Request) -> HTMLResponse:
    """The API, from its own description; nothing is loaded from elsewhere."""
    values = {"language": LANGUAGE, "texts": texts_of(LANGUAGE), "built": built}
    return templates.TemplateResponse(request, "docs.html", values, headers=SECURITY_HEADERS)


@lru_cache
def texts_of(language: str) -> dict[str, Any]:
    """The words of the pages; the scripts carry the same file."""
    file = PROJECT_ROOT / "web" / "texts" / f"{language}.json"
    texts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return texts


@lru_cache
def built(name: str) -> str:
    """The address of a built file; it changes with the content, so no browser keeps an old one."""
    file = BUILD_DIR / name
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        detail = f"The file web/static/build/{name} is missing."
        raise Problem.of("page-not-built", detail) from None
    return f"/static/build/{name}?v={digest[:12]}"

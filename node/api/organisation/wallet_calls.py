"""The page on which an account of the organisation sends transactions by its own wallet: what they
do in words, and how far they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from node.api.context import Context
from node.api.organisation.rendering import show
from node.api.principal import Principal
from node.wallet_calls import WalletCall
from protocol.types import AccountAddress, to_hex


def show_calls(
    request: Request,
    context: Context,
    visitor: Principal,
    kind: str,
    calls: Sequence[WalletCall],
    senders: Sequence[AccountAddress],
    back: str,
    said: dict[str, Any],
) -> HTMLResponse:
    """`kind` names the texts, `said` fills them in; `senders` are the accounts that may send,
    `back` is where one sees what came of it."""
    for_script = {
        "chainId": context.deployment.chain_id,
        "senders": [to_hex(each) for each in senders],
        "calls": [{"to": to_hex(each.to), "data": to_hex(each.data)} for each in calls],
    }
    values = {
        "kind": kind,
        "calls": calls,
        "senders": senders,
        "said": said,
        "back": back,
        "chain_id": context.deployment.chain_id,
        "for_script": json.dumps(for_script),
    }
    return show(request, context, visitor, "wallet_calls.html", values)

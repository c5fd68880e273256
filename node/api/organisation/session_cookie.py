"""The cookie that keeps somebody signed in on the organisation's pages.

It holds the session's token where no script can read it. Only these pages read it: `/v1` knows the
header Authorization alone, so another site's page can make a browser call no operation of the API.
"""

from __future__ import annotations

from fastapi import Request, Response

from node.config import Settings

NAME = "ptx-session"
HOST_NAME = f"__Host-{NAME}"
"""Browsers take a cookie of such a name by https alone, of this host alone, for all its paths."""


def keep_session(response: Response, settings: Settings, token: str) -> None:
    """Until the browser is closed; how long the session lasts is for the node to say."""
    response.set_cookie(
        _name(settings),
        token,
        path="/",
        secure=_is_secure(settings),
        httponly=True,
        samesite="strict",
    )


def forget_session(response: Response, settings: Settings) -> None:
    """Takes the cookie away."""
    response.delete_cookie(
        _name(settings), path="/", secure=_is_secure(settings), httponly=True, samesite="strict"
    )


def session_in(request: Request, settings: Settings) -> str | None:
    """The token that the browser sent."""
    return request.cookies.get(_name(settings))


def _name(settings: Settings) -> str:
    return HOST_NAME if _is_secure(settings) else NAME


def _is_secure(settings: Settings) -> bool:
    return settings.public_address.startswith("https://")

"""People of an organisation on its pages, over HTTP as a browser sends it."""

from __future__ import annotations

from typing import Any

import httpx

from node.api.organisation.session_cookie import NAME
from node.client import NodeClient
from tests.access.signing import new_account, session_of
from tests.access.test_people import invite
from tests.stage import World

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


class Visit:
    """Somebody who is signed in; follows no redirect by itself."""

    def __init__(self, world: World, token: str, language: str = "en") -> None:
        self.token = token
        self.http = httpx.Client(
            base_url=world.node.url,
            cookies={NAME: token},
            headers={"Accept-Language": language},
            timeout=30,
        )

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/organisation{path}", params=query or None)

    def page(self, path: str, **query: Any) -> str:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, headers: Any = OWN_PAGE, **form: Any) -> httpx.Response:
        return self.http.post(f"/organisation{path}", data=form, headers=headers)


def visit(
    world: World,
    role: str = "admin",
    language: str = "en",
    of: NodeClient | None = None,
    **more: Any,
) -> Visit:
    """A new person of the provider, or of whom `of` calls for, invited and joined."""
    invited = invite(of or world.provider.client, role, **more)
    opened, _ = session_of(world, new_account(), invitation=invited["invitation"])
    return Visit(world, opened["token"], language)

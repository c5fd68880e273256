"""A client of a node's HTTP interface, for the command line and the demo."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from node.config import Settings
from node.embedded.processes import Running

TIMEOUT_SECONDS = 30.0
WAIT_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05


class NodeRefused(Exception):
    """The node answered with a problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        detail = problem.get("detail", "the node refused the request")
        fields = ", ".join(error["field"] for error in problem.get("errors", []))
        where = f" (field {fields})" if fields and not detail.startswith(fields) else ""
        super().__init__(f"{detail}{where} {problem.get('remedy', '')}".strip())


class NodeUnreachable(Exception):
    """No node answers at the address."""


class NodeClient:
    """Calls one node, with an API key or without."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS, headers=headers)

    def get(self, path: str, **parameters: Any) -> Any:
        """GET; raises NodeRefused or NodeUnreachable."""
        return self._answer(lambda: self._http.get(path, params=parameters or None))

    def get_whole(self, path: str, items: str, **parameters: Any) -> Any:
        """GET of a list that comes in pages: the first page with the items of all."""
        whole = page = self.get(path, **parameters)
        while page["next"] is not None:
            page = self.get(path, **parameters, after=page["next"])
            whole[items] += page[items]
        return {**whole, "next": None}

    def post(self, path: str, body: Any, idempotency_key: str | None = None) -> Any:
        """POST; raises NodeRefused or NodeUnreachable."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._answer(lambda: self._http.post(path, json=body, headers=headers))

    def put(self, path: str, body: Any) -> Any:
        """PUT; raises NodeRefused or NodeUnreachable."""
        return self._answer(lambda: self._http.put(path, json=body))

    def delete(self, path: str) -> None:
        """DELETE; raises NodeRefused or NodeUnreachable."""
        self._answer(lambda: self._http.delete(path))

    def post_csv(self, path: str, content: bytes, idempotency_key: str | None = None) -> Any:
        """POST of a CSV file; raises NodeRefused or NodeUnreachable."""
        headers = {"Content-Type": "text/csv"}
        headers |= {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._answer(lambda: self._http.post(path, content=content, headers=headers))

    def post_for_file(self, path: str, body: Any, **parameters: Any) -> bytes:
        """POST whose answer is a file; raises NodeRefused or NodeUnreachable."""
        return self._response(lambda: self._http.post(path, json=body, params=parameters)).content

    def wait_for(self, read: Callable[[], Any], done: Callable[[Any], bool], what: str) -> Any:
        """Reads until it is done; raises TimeoutError naming what was waited for."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            value = read()
            if done(value):
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {WAIT_SECONDS_MAX:.0f} s: {value}")
            time.sleep(POLL_SECONDS)

    def _answer(self, call: Callable[[], httpx.Response]) -> Any:
        response = self._response(call)
        return response.json() if response.content else None

    def _response(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            response = call()
        except httpx.HTTPError as error:
            raise NodeUnreachable(
                f"No node answers at {self.url} ({error!r}): start one with `make run`."
            ) from error
        if response.is_success:
            return response
        try:
            problem = response.json()
        except ValueError:
            problem = {"detail": f"{response.status_code} {response.text[:200]}"}
        raise NodeRefused(problem)


def running_node_url(settings: Settings) -> str | None:
    """Where the node of this state directory runs, if it does."""
    running = Running.load(settings.running_file)
    if running is None:
        return None
    try:
        httpx.get(f"{running.api_url}/healthz", timeout=2).raise_for_status()
    except httpx.HTTPError:
        return None
    return running.api_url


def read_api_key(path: Path) -> str | None:
    """The key in a file, or None if there is no such file."""
    return path.read_text().strip() if path.exists() else None

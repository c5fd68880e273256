"""Judges addresses that organisations register, before they are written down.

Whoever registers an address may run the name server that is asked for it, and that may never
answer. So it is waited for outside any transaction, not long, and for few names of an organisation
at once: what is still being asked for holds a thread, also when nobody waits any more.
"""

from __future__ import annotations

import asyncio

from node.outgoing import Target, TargetRefused, resolve_target

ASKED_AT_ONCE_MAX = 2
"""Of one organisation."""
ANSWER_SECONDS_MAX = 5.0


class TargetChecks:
    """Of one process."""

    def __init__(self, private_addresses: bool) -> None:
        self._private_addresses = private_addresses
        self._places: dict[bytes, asyncio.Semaphore] = {}

    async def require(self, organisation_id: bytes, url: str) -> None:
        """Raises TargetRefused for an address that the node does not call, or whose name is not
        found in time."""
        place = self._places.setdefault(organisation_id, asyncio.Semaphore(ASKED_AT_ONCE_MAX))
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await place.acquire()
                asking = asyncio.ensure_future(resolve_target(url, self._private_addresses))
                asking.add_done_callback(lambda done: _leave(done, place))
                await asyncio.shield(asking)
        except TimeoutError:
            raise TargetRefused(
                f"Its name was not found within {ANSWER_SECONDS_MAX:.0f} s."
            ) from None


def _leave(done: asyncio.Future[Target], place: asyncio.Semaphore) -> None:
    place.release()
    if not done.cancelled():
        done.exception()  # seen by whoever still waits; the loop need not say that nobody does

"""Many callers' questions in one query: whoever asks while a query runs shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

QUERIES_MAX = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Question(NamedTuple, Generic[Item, Result]):
    items: Sequence[Item]
    result: asyncio.Future[Result]


class _Group(Generic[Item, Result]):
    """Those of one group who wait, what they ask for, and how many queries run for them."""

    def __init__(self) -> None:
        self.waiting: list[_Question[Item, Result]] = []
        self.items = 0
        self.queries = 0


class Coalescer(Generic[Item, Result]):
    """Asks for everybody of one group at once; each waits for at most one query before its own.

    A second query runs beside the first where that leaves neither short of items.
    """

    def __init__(
        self, query: Callable[[bytes, list[Item]], Awaitable[Result]], items_max: int
    ) -> None:
        """`query` takes a group and all items that its members ask for, up to `items_max` or those
        of one question; each of them gets its whole result."""
        self._query = query
        self._items_max = items_max
        self._groups: dict[bytes, _Group[Item, Result]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, group: bytes, items: Sequence[Item]) -> Result:
        """The result of a query that began after this call, and had these items among its own."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        asking = self._groups.setdefault(group, _Group())
        asking.waiting.append(_Question(items, result))
        asking.items += len(items)
        is_worth_two = asking.queries < QUERIES_MAX and 2 * asking.items >= self._items_max
        if asking.queries == 0 or is_worth_two:
            asking.queries += 1
            task = asyncio.create_task(self._serve(group, asking))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await result

    async def _serve(self, name: bytes, group: _Group[Item, Result]) -> None:
        """Query after query, as long as somebody waits."""
        while group.waiting:
            asked = self._take(group)
            try:
                found = await self._query(name, [item for each in asked for item in each.items])
            except Exception as error:
                for each in asked:
                    if not each.result.done():
                        each.result.set_exception(error)
            else:
                for each in asked:
                    if not each.result.done():
                        each.result.set_result(found)
        group.queries -= 1
        if group.queries == 0:
            del self._groups[name]

    def _take(self, group: _Group[Item, Result]) -> list[_Question[Item, Result]]:
        count, size = 0, 0
        while count < len(group.waiting) and (count == 0 or size < self._items_max):
            size += len(group.waiting[count].items)
            count += 1
        taken, group.waiting = group.waiting[:count], group.waiting[count:]
        group.items -= size
        return taken

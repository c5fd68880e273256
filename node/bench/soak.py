"""A node under steady load whose processes, database and chain are killed again and again.

In parts: what was promised is kept in a folder, where the next part goes on. Each part ends with
the whole comparison, and with the memory of each process.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from node.bench.soak_checks import check_promises
from node.bench.soak_load import EVENTS_FROM, Load, Promises, open_receiver
from node.config import Settings
from node.demo.story import Story
from node.embedded.processes import Running
from node.embedded.supervisor import Supervisor, free_port
from node.serve import SERVICES

TARGETS = (SERVICES, ("postgres",), ("chain",))
SAMPLE_SECONDS = 5.0
WARM_SECONDS = 30.0
MEBIBYTE = 2**20
HOST = "127.0.0.1"
TellStory = Callable[[Settings, Running], Story]


@dataclass(slots=True)
class SoakState:
    """What later parts need to know, beside the promises."""

    port: int
    chain_port: int
    webhook_port: int
    kills: int = 0
    seconds: float = 0.0
    webhook: str = ""

    @classmethod
    def open(cls, path: Path) -> SoakState:
        """That of the folder, or a first one."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        return cls(free_port(HOST, 0), free_port(HOST, 0), free_port(HOST, 0))

    def save(self, path: Path) -> None:
        """Replaces the file in one step."""
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self)) + "\n")
        temporary.replace(path)


@dataclass(slots=True)
class Memory:
    """Proportional memory of each process with its children: first, last and most, in MiB."""

    seen: dict[str, list[float]] = field(default_factory=dict)

    def sample(self, running: Running) -> None:
        """Of all that run now."""
        for each in running.processes:
            size = 0
            with suppress(psutil.Error):
                process = psutil.Process(each.pid)
                for one in (process, *process.children(recursive=True)):
                    with suppress(psutil.Error):
                        size += one.memory_full_info().pss
            if size:
                self.seen.setdefault(each.name, []).append(size / MEBIBYTE)


def run_part(
    folder: Path, minutes: float, kills: int, tell: TellStory, say: Callable[[str], None]
) -> None:
    """One part; raises AssertionError if a promise was not kept."""
    folder.mkdir(parents=True, exist_ok=True)
    state = SoakState.open(folder / "state.json")
    promises = Promises.load(folder / "promises.jsonl")
    settings = Settings(
        state_dir=folder / "node", port=state.port, chain_port=state.chain_port, batch_seconds=2.0
    )
    memory = Memory()
    with ExitStack() as outer, ExitStack() as under_load:
        outer.enter_context(open_receiver(promises, state.webhook_port))
        load: Load | None = None
        for segment in range(kills + 1):
            with Supervisor(settings, lambda line: None).started() as running:
                if load is None:
                    story = tell(settings, running)
                    _register_webhook(story, state)
                    load = Load(story, promises)
                    under_load.enter_context(load.running())
                state.save(folder / "state.json")
                _stay(running, 60 * minutes / (kills + 1), memory)
                state.seconds += 60 * minutes / (kills + 1)
                if segment < kills:
                    _kill(running, TARGETS[state.kills % len(TARGETS)], say)
                    state.kills += 1
                    continue
                under_load.close()
                state.save(folder / "state.json")
                assert not load.failures, load.failures[:5]
                complete = settings.model_copy(
                    update={
                        "database_url": running.database_url,
                        "chain_url": running.chain_url,
                        "deployment_path": settings.deployment_file,
                    }
                )
                check_promises(complete, story.parties["consumer"].client, promises, say)
    for name, sizes in memory.seen.items():
        say(f"{name:<10} MiB: first {sizes[0]:.0f}, last {sizes[-1]:.0f}, most {max(sizes):.0f}")
    say(f"{state.seconds / 60:.0f} minutes and {state.kills} kills so far, in all parts")


def _stay(running: Running, seconds: float, memory: Memory) -> None:
    """Looks at the processes' memory, once they are warm, while the others work."""
    started = time.monotonic()
    while (gone := time.monotonic() - started) < seconds:
        if gone >= min(WARM_SECONDS, seconds / 2):
            memory.sample(running)
        time.sleep(min(SAMPLE_SECONDS, seconds - gone))


def _kill(running: Running, names: tuple[str, ...], say: Callable[[str], None]) -> None:
    for process in running.processes:
        if process.name in names:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    say(f"killed: {', '.join(names)}")


def _register_webhook(story: Story, state: SoakState) -> None:
    """The consumer's, for all events from the first on; once for all parts."""
    if state.webhook:
        return
    client = story.parties["consumer"].client
    body = {"url": f"http://{HOST}:{state.webhook_port}/", "includeUnfinal": True}
    state.webhook = client.post("/v1/webhooks", body)["webhookId"]
    path = f"/v1/webhooks/{state.webhook}/redeliver"
    client.post(path, {"after": EVENTS_FROM})

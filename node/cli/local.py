"""Settings of commands that open the database or the chain: the environment's, or those of what
runs here."""

from __future__ import annotations

from node.cli.output import fail
from node.config import Settings
from node.embedded.processes import Running


def local_settings() -> Settings:
    """Settings with the addresses of database and chain filled in; ends the command without."""
    settings = _completed_settings()
    if settings.database_url is None or settings.chain_url is None:
        fail(
            "No node is running here: start one with `make run`, or set DATABASE_URL and CHAIN_URL."
        )
    return settings


def chain_settings() -> Settings:
    """The same for a command that asks the chain alone."""
    settings = _completed_settings()
    if settings.chain_url is None:
        fail("No node is running here: start one with `make run`, or set CHAIN_URL.")
    return settings


def _completed_settings() -> Settings:
    settings = Settings()
    running = Running.load(settings.running_file)
    updates: dict[str, object] = {"deployment_path": settings.deployment_file}
    if running is not None:
        updates["database_url"] = settings.database_url or running.database_url
        updates["chain_url"] = settings.chain_url or running.chain_url
        updates["public_url"] = running.public_url
    return settings.model_copy(update=updates)

"""PostgreSQL's own tools, told by environment variables where the database is, so that no password
stands in a list of processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url

from node.embedded.postgres import BINARIES

SCHEMAS = ("node",)
SCHEMAS_OF_INDEX = ("ledger", "indexing")


class ToolFailed(Exception):
    """A tool of PostgreSQL ended with an error; the text is what it said."""


def environment_of(database_url: str) -> dict[str, str]:
    """What libpq reads in place of an address."""
    url = make_url(database_url)
    asked = url.query.get("host", ())
    host = url.host or (asked if isinstance(asked, str) else ",".join(asked))
    values = {
        "PGHOST": host,
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }
    return {**os.environ, **{name: value for name, value in values.items() if value}}


def dump(database_url: str, snapshot: str, schemas: Sequence[str], target: Path) -> None:
    """Writes the schemas as a snapshot shows them, in PostgreSQL's custom format. What is sealed
    does not compress, its hexadecimal digits do. Raises ToolFailed."""
    command = [str(BINARIES / "pg_dump"), "--format=custom", "--compress=gzip:1", "--no-owner"]
    command += [f"--snapshot={snapshot}", *(f"--schema={schema}" for schema in schemas)]
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        process = subprocess.run(
            command,
            env=environment_of(database_url),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.fsync(output.fileno())
    _require_success("pg_dump", process.returncode, process.stderr)


def load(database_url: str, source: Path, before: Path, after: Path) -> None:
    """Runs the statements of `before`, the dump, and those of `after` in one transaction: all of it
    is there afterwards or nothing. Raises ToolFailed."""
    reading = [str(BINARIES / "pg_restore"), "--no-owner", "--file=-", str(source)]
    writing = [str(BINARIES / "psql"), "--no-psqlrc", "--quiet", "--single-transaction"]
    writing += ["--set=ON_ERROR_STOP=1", f"--file={before}", "--file=-", f"--file={after}"]
    with subprocess.Popen(
        reading, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as reader:
        writer = subprocess.run(
            writing,
            env=environment_of(database_url),
            stdin=reader.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert reader.stdout is not None
        assert reader.stderr is not None
        reader.stdout.close()
        said = reader.stderr.read()
    _require_success("psql", writer.returncode, writer.stderr)
    _require_success("pg_restore", reader.returncode, said)


def _require_success(tool: str, status: int, said: bytes) -> None:
    if status != 0:
        lines = said.decode(errors="replace").strip().splitlines()
        raise ToolFailed(f"{tool} ended with status {status}: {' '.join(lines[-3:])[:600]}")

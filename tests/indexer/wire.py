"""A wire to PostgreSQL that counts the messages of a client and may end it at one of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHUNK_BYTES = 2**20


@dataclass
class Wire:
    """`before` and `after` are told the number of each message, from 1 on: before the server gets
    it, and after."""

    server_socket: str
    before: Callable[[int], bool] = lambda number: True
    after: Callable[[int], None] = lambda number: None
    messages: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, client: socket.socket) -> None:
        """One connection, until either side ends it."""
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.server_socket)
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        with suppress(OSError):
            while data := client.recv(CHUNK_BYTES):
                with self.lock:
                    self.messages.append(data)
                    number = len(self.messages)
                if not self.before(number):
                    break
                server.sendall(data)
                self.after(number)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)
        back.join()
        server.close()
        client.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def open_wire(folder: Path, server_socket: str) -> Iterator[Wire]:
    """A socket in the folder, by the name that clients of PostgreSQL look for."""
    wire = Wire(server_socket)
    listener = socket.socket(socket.AF_UNIX)
    path = folder / ".s.PGSQL.5432"
    listener.bind(str(path))
    listener.listen()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=wire.carry, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        path.unlink()

"""A learner's session: the one-time keys that a browser has proven, in memory and nowhere else.

No table, log or metric links two keys of one person; a restart or 30 minutes end the session.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from protocol.holder_keys import session_digest
from protocol.signatures import is_signed_by
from protocol.types import HolderAddress

SESSION_SECONDS = 30 * 60
SESSIONS_MAX = 100_000
HOLDERS_MAX = 1_000


class SessionRefused(Exception):
    """No such session, too many keys, or a signature that proves nothing."""


@dataclass(slots=True)
class LearnerSession:
    """`nonce` is what each key signs (EIP-712 `HolderSession`)."""

    nonce: bytes
    ends_at: float
    holders: set[HolderAddress] = field(default_factory=set)


class LearnerSessions:
    """All sessions of one API process, by token."""

    def __init__(self, chain_id: int) -> None:
        self._chain_id = chain_id
        self._sessions: dict[str, LearnerSession] = {}

    def begin(self) -> tuple[str, LearnerSession]:
        """A new session without keys; the oldest one goes when there are too many."""
        now = time.monotonic()
        for token in [token for token, kept in self._sessions.items() if kept.ends_at <= now]:
            del self._sessions[token]
        if len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        token = secrets.token_urlsafe(32)
        session = LearnerSession(secrets.token_bytes(32), now + SESSION_SECONDS)
        self._sessions[token] = session
        return token, session

    def get(self, token: str) -> LearnerSession:
        """Raises SessionRefused."""
        session = self._sessions.get(token)
        if session is None or session.ends_at <= time.monotonic():
            raise SessionRefused("The session is unknown or has ended.")
        return session

    def prove(self, token: str, holder: HolderAddress, signature: bytes) -> None:
        """Adds a key to the session; raises SessionRefused unless the key signed the nonce."""
        session = self.get(token)
        digest = session_digest(self._chain_id, session.nonce)
        if not is_signed_by(holder, digest, signature):
            raise SessionRefused(f"0x{holder.hex()} did not sign this session's nonce.")
        if len(session.holders) >= HOLDERS_MAX:
            raise SessionRefused(f"A session holds at most {HOLDERS_MAX} keys.")
        session.holders.add(holder)

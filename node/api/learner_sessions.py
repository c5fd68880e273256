"""A learner's session: the one-time keys that a browser has proven, in memory and nowhere else.

No table, log or metric links two keys of one person; a restart or 30 minutes end the session.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from protocol.holder_keys import session_digest
from protocol.signatures import is_signed_by
from protocol.types import HolderAddress

SESSION_SECONDS = 30 * 60
SESSIONS_MAX = 100_000
SESSIONS_OF_NETWORK_MAX = 5_000
"""Enough for a school behind one address. Whoever begins more is refused, so that nobody's session
is ended by another's."""
HOLDERS_MAX = 1_000


class SessionRefused(Exception):
    """No such session, too many keys, or a signature that proves nothing."""


class TooManySessions(Exception):
    """There is no room for one more; the text says whose."""


@dataclass(slots=True)
class LearnerSession:
    """`nonce` is what each key signs (EIP-712 `HolderSession`)."""

    nonce: bytes
    ends_at: float
    network: str
    holders: set[HolderAddress] = field(default_factory=set)


class LearnerSessions:
    """All sessions of one API process, by token, in the order in which they end."""

    def __init__(self, chain_id: int) -> None:
        self._chain_id = chain_id
        self._sessions: OrderedDict[str, LearnerSession] = OrderedDict()
        self._of_network: Counter[str] = Counter()

    def begin(self, network: str) -> tuple[str, LearnerSession]:
        """A new session without keys, for somebody in this network. Raises TooManySessions."""
        now = time.monotonic()
        self._forget_ended(now)
        if self._of_network[network] >= SESSIONS_OF_NETWORK_MAX:
            raise TooManySessions(
                f"An address may begin {SESSIONS_OF_NETWORK_MAX} in half an hour."
            )
        if len(self._sessions) >= SESSIONS_MAX:
            raise TooManySessions(f"The node holds {SESSIONS_MAX} sessions, and no more.")
        token = secrets.token_urlsafe(32)
        session = LearnerSession(secrets.token_bytes(32), now + SESSION_SECONDS, network)
        self._sessions[token] = session
        self._of_network[network] += 1
        return token, session

    def _forget_ended(self, now: float) -> None:
        """The oldest stand first, so that none is looked at that goes on but one."""
        while self._sessions:
            token, oldest = next(iter(self._sessions.items()))
            if oldest.ends_at > now:
                return
            del self._sessions[token]
            self._of_network[oldest.network] -= 1
            if not self._of_network[oldest.network]:
                del self._of_network[oldest.network]

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

"""Chromium's virtual authenticator: passkeys that really sign, without a person to press."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import CDPSession, Page

from protocol.holder_keys import derive_holder_key, passkey_salt
from protocol.identifiers import organisation_id
from tests.e2e.learner_node import LearnerNode

EVALUATE = """
async (salt) => {
  const first = Uint8Array.from(salt);
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  const extensions = { prf: { eval: { first } } };
  const asked = { challenge, userVerification: "required", extensions };
  const found = await navigator.credentials.get({ publicKey: asked });
  return [...new Uint8Array(found.getClientExtensionResults().prf.results.first)];
}
"""


class Authenticator:
    """The passkeys of one page's device."""

    def __init__(self, page: Page, **changes: Any) -> None:
        self._page = page
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "hasPrf": True,
            "automaticPresenceSimulation": True,
            **changes,
        }
        made = self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = made["authenticatorId"]

    @property
    def credentials(self) -> list[dict[str, Any]]:
        """The passkeys that it holds."""
        answer = self._devtools.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        return list(answer["credentials"])

    def verify_user(self, succeeds: bool) -> None:
        """Whether fingerprint or PIN is right from now on."""
        values = {"authenticatorId": self._id, "isUserVerified": succeeds}
        self._devtools.send("WebAuthn.setUserVerified", values)

    def seed(self, node: LearnerNode) -> bytes:
        """What the only passkey evaluates to for the node's operator."""
        salt = passkey_salt(node.chain_id, organisation_id(node.operator_did))
        return bytes(self._page.evaluate(EVALUATE, [*salt]))

    def holder_secret(self, node: LearnerNode, index: int) -> bytes:
        """The one-time key that the page must find, by the rules of `protocol`."""
        return derive_holder_key(self.seed(node), index)


def by_name(base_url: str) -> str:
    """The same node by the name of the machine: browsers take no passkeys for an IP address."""
    return f"http://localhost:{urlsplit(base_url).port}"

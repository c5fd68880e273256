"""A key in a signer of its own signs what the same key in a file does, or nothing at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from node.signers import KeySigner, LegacyTransaction, RemoteSigner, SignerUnreachable
from protocol.hashing import keccak256
from protocol.signatures import is_signed_by, sign_digest
from protocol.types import AccountAddress, Hash32, to_hex

CHAIN_ID = 7838
SECRET, OTHER_SECRET = b"\x11" * 32, b"\x22" * 32
ADDRESS = AccountAddress(bytes.fromhex(Account.from_key(SECRET).address[2:]))
IN_FILE = KeySigner(Account.from_key(SECRET), CHAIN_ID)
EXAMPLE = LegacyTransaction(7, 0, 90_000, b"\x07" * 20, 0, b"\x01\x02")

Answer = Callable[[bytes], tuple[int, str]]


def signed(message: bytes, secret: bytes = SECRET) -> str:
    return to_hex(sign_digest(secret, Hash32(keccak256(message))))


class Signing:
    """An HTTP server as web3signer's; `answer` gives status and body for what is to be signed."""

    def __init__(self) -> None:
        self.answer: Answer = lambda message: (200, signed(message))
        self.keys: str | None = None
        """What it says to `publicKeys`; None where it lists none."""
        self.paths: list[str] = []
        signing = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                signing.paths.append(self.path)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._say(*signing.answer(bytes.fromhex(body["data"][2:])))

            def do_GET(self) -> None:
                assert self.path == "/api/v1/eth1/publicKeys"
                self._say(*((404, "") if signing.keys is None else (200, signing.keys)))

            def _say(self, status: int, said: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *_arguments: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Signing]:
    signing = Signing()
    yield signing
    signing.close()


@pytest.fixture
def signing(server: Signing) -> Signing:
    server.answer, server.keys = lambda message: (200, signed(message)), None
    server.paths.clear()
    return server


@given(
    nonce=st.integers(0, 2**64 - 1),
    price=st.integers(0, 2**96),
    gas=st.integers(21_000, 2**32),
    data=st.binary(max_size=300),
)
def test_both_give_the_same_bytes(
    server: Signing, nonce: int, price: int, gas: int, data: bytes
) -> None:
    server.answer = lambda message: (200, signed(message))
    transaction = LegacyTransaction(nonce, price, gas, b"\x07" * 20, 0, data)
    remote = RemoteSigner(server.url, ADDRESS, CHAIN_ID)
    assert remote.sign(transaction) == IN_FILE.sign(transaction)


@given(message=st.binary(max_size=300))
def test_both_sign_a_message_alike(server: Signing, message: bytes) -> None:
    server.answer = lambda message: (200, signed(message))
    remote = RemoteSigner(server.url, ADDRESS, CHAIN_ID)
    assert remote.sign_message(message) == IN_FILE.sign_message(message)
    assert is_signed_by(ADDRESS, Hash32(keccak256(message)), IN_FILE.sign_message(message))


def test_a_signer_that_lists_no_keys_is_asked_by_address(signing: Signing) -> None:
    RemoteSigner(signing.url + "/", ADDRESS, CHAIN_ID).sign(EXAMPLE)
    assert signing.paths == [f"/api/v1/eth1/sign/{to_hex(ADDRESS)}"]


def public_key(secret: bytes) -> str:
    """As web3signer lists it."""
    return Account.from_key(secret)._key_obj.public_key.to_hex()


def test_a_key_is_asked_for_by_its_public_key(signing: Signing) -> None:
    """As web3signer knows it (Consensys/web3signer, EthSecpArtifactSigner.getIdentifier)."""
    signing.keys = json.dumps([public_key(OTHER_SECRET), public_key(SECRET)])
    remote = RemoteSigner(signing.url, ADDRESS, CHAIN_ID)
    assert remote.sign(EXAMPLE) == remote.sign(EXAMPLE) == IN_FILE.sign(EXAMPLE)
    assert signing.paths == [f"/api/v1/eth1/sign/{public_key(SECRET)}"] * 2


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (lambda: json.dumps([public_key(OTHER_SECRET)]), "correct PTX_SIGNER_ADDRESS"),
        (lambda: "[]", "it lists 0"),
        (lambda: "nothing here", "lists no keys"),
        (lambda: '["0xzz"]', "lists no keys"),
    ],
)
def test_a_signer_without_the_key_says_so(
    signing: Signing, keys: Callable[[], str], said: str
) -> None:
    signing.keys = keys()
    with pytest.raises(SignerUnreachable, match=said):
        RemoteSigner(signing.url, ADDRESS, CHAIN_ID).sign(EXAMPLE)
    assert signing.paths == []


def test_a_recovery_bit_counted_from_0_is_understood(signing: Signing) -> None:
    def from_0(message: bytes) -> tuple[int, str]:
        signature = bytes.fromhex(signed(message)[2:])
        return 200, f'"{to_hex(signature[:64] + bytes([signature[64] - 27]))}"'

    signing.answer = from_0
    remote = RemoteSigner(signing.url, ADDRESS, CHAIN_ID)
    assert remote.sign(EXAMPLE) == IN_FILE.sign(EXAMPLE)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda message: (404, "no such key"), "answered 404: no such key"),
        (lambda message: (500, ""), "answered 500"),
        (lambda message: (200, "0x"), "no signature"),
        (lambda message: (200, "nonsense"), "no signature"),
        (lambda message: (200, "0x" + "00" * 65), "no valid signature"),
        (lambda message: (200, signed(message, OTHER_SECRET)), "signed with 0x"),
        (lambda message: (200, signed(message + b"\x00")), "signed with 0x"),
    ],
)
def test_what_is_no_signature_of_the_key_is_refused(
    signing: Signing, answer: Answer, said: str
) -> None:
    signing.answer = answer
    with pytest.raises(SignerUnreachable, match=said):
        RemoteSigner(signing.url, ADDRESS, CHAIN_ID).sign(EXAMPLE)


def test_a_signer_that_is_away_says_so() -> None:
    with pytest.raises(SignerUnreachable, match="did not answer"):
        RemoteSigner("http://127.0.0.1:1", ADDRESS, CHAIN_ID).sign(EXAMPLE)

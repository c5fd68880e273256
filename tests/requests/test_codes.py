"""QR codes read as the text that they were made of."""

from __future__ import annotations

import re
import secrets
from xml.etree import ElementTree

import pytest
import zxingcpp

from node.api.app import create_app
from node.bearer_links import TOKEN_PATTERN, hash_token, is_token, link_of, new_token, qr_svg
from tests.refusals import send
from tests.requests.asking import ask
from tests.stage import World

SCALE = 4
WHITE, BLACK = 255, 0


def read_svg(svg: str) -> str:
    """What a reader sees of the drawing, whose path is horizontal strokes of whole modules."""
    root = ElementTree.fromstring(svg)
    modules = int(root.attrib["width"]) // SCALE
    rows = [bytearray([WHITE]) * modules for _ in range(modules)]
    path = root.find(".//{http://www.w3.org/2000/svg}path")
    assert path is not None
    x, y = 0, 0.0
    for command, numbers in re.findall(r"([Mmhz])([-\d. ]*)", path.attrib["d"]):
        values = [float(each) for each in numbers.split()]
        match command:
            case "M":
                x, y = int(values[0]), values[1]
            case "m":
                x, y = x + int(values[0]), y + values[1]
            case "h":
                width = int(values[0])
                rows[int(y)][x : x + width] = bytes([BLACK]) * width
                x += width
    big = b"".join(b"".join(bytes([module]) * SCALE for module in row) * SCALE for row in rows)
    image = memoryview(big).cast("B", (modules * SCALE, modules * SCALE))
    [found] = zxingcpp.read_barcodes(image)
    return str(found.text)


@pytest.mark.parametrize("length", [43, 440])
def test_a_code_reads_as_its_text(length: int) -> None:
    words = "0x" + secrets.token_hex(length)[:length]
    assert read_svg(qr_svg(words)) == words


def test_the_code_of_a_request_is_its_link(world: World) -> None:
    made = ask(world)
    path = f"/v1/consent-requests/{made['requestId']}/qr.svg"
    answer = send(world.provider.client, "GET", path)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert read_svg(answer.text) == made["link"]


def test_a_token_is_behind_the_hash_and_kept_as_one() -> None:
    token = new_token()
    assert is_token(token)
    assert not is_token(token[:-1])
    assert link_of("https://node.example", token) == f"https://node.example/requests#{token}"
    assert len(hash_token(token)) == 32
    assert token not in hash_token(token).hex()


def test_no_address_takes_a_token() -> None:
    """Addresses are in the logs of proxies."""
    places = {
        (parameter["name"], parameter["in"])
        for operations in create_app().openapi()["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["schema"].get("pattern") == TOKEN_PATTERN or "token" in parameter["name"]
    }
    assert places == {("Reference-Token", "header"), ("Request-Token", "header")}

"""A learner's export as a PDF to read: what was consented to, who used it, what was asked.

The letters of all European languages are in the font, which is embedded. What proves a consent is
in the JSON file alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import fontpkg_noto_sans
from fpdf import FPDF

FONT = "Noto Sans"
FONT_FILE = fontpkg_noto_sans.ROOT / "files" / "NotoSans[wdth,wght].ttf"
TITLE_POINTS, HEADING_POINTS, TEXT_POINTS = 18, 13, 10
LINE_HEIGHT = 1.45
POINT_MILLIMETRES = 25.4 / 72
ASSURANCES = {
    "attested": "attested by the issuer",
    "signed": "signed by a key made on your device",
    "identified": "signed by a key made on your device, and by your identity (DID)",
}

# A letter that the font lacks is part of what somebody wrote, and belongs in no log.
logging.getLogger("fpdf").setLevel(logging.ERROR)


def write_pdf(export: Mapping[str, Any]) -> bytes:
    """The bytes of the file, from the export as JSON."""
    page = _Paper()
    page.title("Your consents")
    page.line(f"Held by the node of {export['operatorDid']}, as of {_time(export['exportedAt'])}.")
    page.line(
        f"Chain {export['chainId']}, registry {export['registry']}, block "
        f"{export['asOf']['blockNumber']}. The JSON file of the same export holds the proofs."
    )
    more = " and more, in the JSON file" if export["moreConsents"] else ""
    page.heading(f"Consents: {len(export['consents'])}{more}")
    for consent in export["consents"]:
        _consent(page, consent)
    page.heading(f"Uses: {len(export['uses'])}{' and more' if export['moreUses'] else ''}")
    for use in export["uses"]:
        who = use["usedByDid"] or use["usedBy"]
        page.line(f"{_time(use['usedAt'])}: {who}, consent {use['leaf']}")
    page.heading(f"Requests: {len(export['requests'])}")
    for request in export["requests"]:
        _request(page, request)
    return page.bytes()


def _consent(page: _Paper, consent: Mapping[str, Any]) -> None:
    status, record = consent["status"], consent["record"]
    document = record["document"] if record else None
    purpose = _purpose(document) if document else "The record is erased."
    page.line("")
    page.line(purpose, HEADING_POINTS - 1)
    page.line(f"State: {status['state']}")
    for ending in status["endings"]:
        page.line(f"Ended by the {ending['endedBy']} at {_time(ending['endedAt'])}")
    page.line(f"Asked by: {consent['issuerDid'] or 'an organisation that is not on the chain'}")
    if status["assurance"]:
        page.line(f"Assurance: {ASSURANCES[status['assurance']]}")
    if document and "guardian" in document:
        page.line(f"A parent or guardian signed along, with the key {document['guardian']}")
    if document:
        notice = document["notice"]
        words = [notice["reference"], notice.get("version"), notice.get("sha256")]
        page.line(f"Recipients: {', '.join(document['recipients']) or 'none'}")
        page.line(f"Privacy notice: {', version '.join(filter(None, words[:2]))}")
        if words[2]:
            page.line(f"SHA-256 of the notice: {words[2]}")
    page.line(f"Leaf on the chain: {status['leaf']}")


def _request(page: _Paper, request: Mapping[str, Any]) -> None:
    page.line("")
    page.line(f"{request['kind']}, received {_time(request['receivedAt'])}: {request['state']}")
    page.line(f"To be answered before {_time(request['dueAt'])}")
    for name in ("extensionReason", "reason"):
        if request[name]:
            page.line(request[name])


def _purpose(document: Mapping[str, Any]) -> str:
    [purpose] = document["receipt"]["piiProcessing"]["purposes"]
    return str(purpose["purpose"])


def _time(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class _Paper:
    """A4, one column."""

    def __init__(self) -> None:
        self._file = FPDF(format="A4")
        self._file.add_font(FONT, fname=FONT_FILE)
        self._file.set_title("Your consents")
        self._file.add_page()

    def title(self, words: str) -> None:
        self.line(words, TITLE_POINTS)

    def heading(self, words: str) -> None:
        self.line("")
        self.line(words, HEADING_POINTS)

    def line(self, words: str, points: int = TEXT_POINTS) -> None:
        height = points * LINE_HEIGHT * POINT_MILLIMETRES
        if not words:
            self._file.ln(height)
            return
        self._file.set_font(FONT, size=points)
        self._file.multi_cell(0, height, words, new_x="LMARGIN", new_y="NEXT")

    def bytes(self) -> bytes:
        return bytes(self._file.output())

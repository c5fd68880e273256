"""Files of consent requests: a CSV file that comes in, slips that go out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from node.api.problem_documents import in_plain_words
from node.api.schemas.consent_requests import (
    AskConsent,
    AttestedConsent,
    AttestedRequest,
    slip_text,
)
from node.bearer_links import qr_svg
from node.intake.request_csv import FAULTS_MAX, read_request_csv
from node.kept_requests import KeptRequest
from node.problems import FieldProblem, Problem
from protocol.slip import Slip, encode_slip
from protocol.types import Leaf

COLUMNS = {
    "notice": "noticeSha256",
    "notice.reference": "noticeReference",
    "notice.version": "noticeVersion",
    "notice.sha256": "noticeSha256",
}
"""Where a column has another name than the field that it fills."""


def require_csv(request: Request) -> None:
    """Raises a 415 problem for a body that is not declared as CSV."""
    declared = request.headers.get("content-type", "")
    if declared.split(";")[0].strip().lower() != "text/csv":
        seen = f"is {declared}" if declared else "is missing"
        problem = Problem.of("content-type-not-csv", f"The header Content-Type {seen}.")
        raise problem.about("Content-Type")


def read_lines(
    body: bytes, notice: Mapping[str, Any] | None = None
) -> list[tuple[int, AskConsent]]:
    """The requests of a file, each with its line. `notice` has the digest, and maybe the content,
    for lines without a digest. Raises a problem that names every fault, up to 100, by line and
    column."""
    reading = read_request_csv(body)
    faults = [FieldProblem(each.field, each.detail, each.remedy) for each in reading.faults]
    lines = []
    for line, value in reading.requests:
        if len(faults) >= FAULTS_MAX:
            break
        if notice and "sha256" not in value["notice"]:
            value["notice"] |= notice
        try:
            lines.append((line, AskConsent.model_validate(value)))
        except ValidationError as error:
            faults += _faults(line, error)
    if faults:
        first = faults[0]
        detail = f"{first.field}: {first.detail}"
        if len(faults) > 1:
            detail = f"{detail}, and {len(faults) - 1} more"
        problem = Problem.of("csv-refused", detail, first.remedy)
        problem.errors = faults[:FAULTS_MAX]
        raise problem
    return lines


def _faults(line: int, error: ValidationError) -> list[FieldProblem]:
    found = []
    for fault in error.errors():
        path = ".".join(str(part) for part in fault["loc"])
        column = COLUMNS.get(path, path)
        place = ".".join(filter(None, ("lines", str(line), column)))
        found.append(FieldProblem(place, *in_plain_words(fault)))
    return found


def draw_slips(
    attested: Sequence[tuple[KeptRequest, Sequence[tuple[Leaf, Slip]]]],
) -> list[AttestedRequest]:
    """The slips of requests that were attested, as bytes and as pictures."""
    answers = []
    for request, slips in attested:
        consents = []
        for purpose, (leaf, slip) in zip(request.asked.purposes, slips, strict=True):
            encoded = encode_slip(slip)
            drawing = qr_svg(slip_text(encoded))
            consents.append(
                AttestedConsent(purpose=purpose.name, leaf=leaf, slip=encoded, slip_qr_svg=drawing)
            )
        answers.append(AttestedRequest(request_id=request.request_id, consents=consents))
    return answers


def zip_slips(requests: Sequence[AttestedRequest]) -> bytes:
    """A folder for each request, in it two files for each purpose: the slip and its QR code."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for request in requests:
            for place, consent in enumerate(request.consents, 1):
                name = f"{request.request_id.hex()}/{place}"
                archive.writestr(f"{name}.slip", slip_text(consent.slip) + "\n")
                archive.writestr(f"{name}.svg", consent.slip_qr_svg)
    return out.getvalue()

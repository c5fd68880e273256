"""The form of a single consent request is a line of the file that may ask for many: the same
columns, by the same names, read by the same rules."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from node.api.organisation.forms import Form
from node.api.organisation.notice_file import DIGEST, notice_in
from node.api.request_files import read_lines
from node.api.schemas.consent_requests import AskConsent, ConsentRequest
from node.intake.request_csv import OPTIONAL, REQUIRED, SEPARATOR
from node.problems import FieldProblem, Problem
from protocol.types import to_hex

FIELDS = (*REQUIRED, *OPTIONAL)
SEVERAL = frozenset({"purposes", "recipients"})
"""Fields of the form with one value on each line."""
AGAIN = "again"
"""The field that tells a form sent twice from two forms."""
LINE = "lines.2."


def read_one(form: Form, newest: Mapping[str, Any] | None) -> AskConsent:
    """The request that was asked for; `newest` is the notice of the newest one. Raises a problem
    that names the fields."""
    notice = notice_in(form, newest, len(form.lines("purposes")))
    values = {**form.fields, DIGEST: ""}
    row = [
        SEPARATOR.join(form.lines(name)) if name in SEVERAL else values.get(name, "").strip()
        for name in FIELDS
    ]
    text = io.StringIO()
    csv.writer(text).writerows([FIELDS, row])
    try:
        [(_, asked)] = read_lines(text.getvalue().encode(), notice)
    except Problem as problem:
        problem.errors = [
            FieldProblem(each.field.removeprefix(LINE), each.detail, each.remedy)
            for each in problem.errors
        ]
        problem.detail = problem.detail.removeprefix(LINE)
        raise
    return asked


def line_of(request: ConsentRequest) -> Mapping[str, str]:
    """What another request is likely to say again: all but the person. The notice's digest is found
    by address and version."""
    notice = request.notice
    return {
        "agreementId": to_hex(request.agreement_id),
        "purposes": "\n".join(each.purpose for each in request.purposes),
        "recipients": "\n".join(request.recipients),
        "noticeReference": notice["reference"],
        "noticeVersion": notice.get("version", ""),
        "validUntil": datetime.fromtimestamp(request.valid_until, UTC).date().isoformat(),
        "minimumAssurance": request.minimum_assurance,
        "guardianSigns": "true" if request.guardian_signs else "",
    }

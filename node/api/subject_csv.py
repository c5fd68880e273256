"""The export of a person's requests and consents as CSV: a line for each purpose asked for."""

from __future__ import annotations

import csv
import io

from node.api.schemas.consent_requests import SubjectExport
from protocol.types import to_hex

COLUMNS = (
    *("requestId", "requestState", "createdAt", "expiresAt", "answeredAt", "agreementId"),
    *("noticeReference", "noticeVersion", "noticeSha256", "minimumAssurance", "purpose"),
    *("leaf", "consentState", "assurance", "validFrom", "validUntil"),
)
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def write_subject_csv(export: SubjectExport) -> str:
    """RFC 4180, with a header."""
    consents = {consent.leaf: consent for consent in export.consents}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for request in export.requests:
        for purpose in request.purposes:
            consent = consents.get(purpose.leaf) if purpose.leaf else None
            values = (
                to_hex(request.request_id),
                request.state,
                request.created_at,
                request.expires_at,
                request.answered_at,
                to_hex(request.agreement_id),
                request.notice["reference"],
                request.notice.get("version"),
                request.notice.get("sha256"),
                request.minimum_assurance,
                purpose.purpose,
                to_hex(purpose.leaf) if purpose.leaf else None,
                consent.state if consent else None,
                consent.assurance if consent else None,
                request.valid_from,
                request.valid_until,
            )
            writer.writerow([_cell(value) for value in values])
    return out.getvalue()


def _cell(value: object) -> str:
    """A spreadsheet takes no value for a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(FORMULA_BEGINS) else text

"""The privacy notice that a form of consent requests names: by its file, of which the node takes
the digest that every document binds, or by that digest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.api.json_depth import JSON_DEPTH_MAX, is_too_deep
from node.api.organisation.forms import Form
from node.api.schemas.base import require_storable
from node.problems import Problem, refused
from protocol.canonical import canonicalise
from protocol.consent_request import DOCUMENT_BYTES_MAX, DOCUMENTS_BYTES_MAX
from protocol.errors import DocumentUnreadable, ProtocolError
from protocol.hashing import sha256
from protocol.types import Hash32, to_hex

FILE = "noticeFile"
DIGEST = "noticeSha256"
AWAITED = "noticeAwaited"
"""The field that says that a file was chosen before: a browser sends it only if it is chosen
again, and nothing else may then stand for it."""


OBJECT_BEGINS = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\{\s*+["}]')
"""As no other format does: RTF goes on otherwise."""


@dataclass(frozen=True, slots=True)
class NoticeFile:
    """`digest` is of the canonical JSON of a JSON object, which is then `content`; of any other
    file it is of its bytes."""

    digest: Hash32
    content: dict[str, Any] | None = None
    length: int = 0
    """Of the canonical JSON, in bytes."""

    def bound_in(self, documents: int) -> dict[str, Any]:
        """What a request's notice has of it. The content stands in every document, so it is left
        out if it takes more than half of the room."""
        bound: dict[str, Any] = {"sha256": to_hex(self.digest)}
        room = min(DOCUMENT_BYTES_MAX, DOCUMENTS_BYTES_MAX // max(documents, 1)) // 2
        if self.content is not None and self.length <= room:
            bound["content"] = self.content
        return bound


def read_notice_file(content: bytes) -> NoticeFile:
    """Raises a problem that names the field for a JSON object without canonical form."""
    try:
        value = _json_object_in(content)
        if value is None:
            return NoticeFile(sha256(content))
        canonical = canonicalise(require_storable(value))
    except ProtocolError as error:
        raise refused(error, FILE, "Choose another file.") from error
    except ValueError as error:
        fault = DocumentUnreadable(kind="file", reason=str(error))
        raise refused(fault, FILE, "Choose another file.") from error
    return NoticeFile(sha256(canonical), value, len(canonical))


def notice_in(form: Form, newest: Mapping[str, Any] | None, documents: int) -> Mapping[str, Any]:
    """Digest, and content if it is kept, of the notice that a form names. With neither file nor
    digest it is that of the newest request, if address and version are still the same. Raises a
    problem that names the field."""
    typed = form.text(DIGEST)
    if FILE in form.files:
        file = read_notice_file(form.files[FILE])
        if typed and typed.lower() != to_hex(file.digest):
            detail = f"The notice's file has the SHA-256 {to_hex(file.digest)}, not {typed[:100]}."
            raise _wrong(detail, "Send one of the two, or those that fit.", DIGEST)
        return file.bound_in(documents)
    if typed:
        return {"sha256": typed}
    if newest is not None and not form.text(AWAITED) and _names(form, newest):
        if "content" not in newest:
            return {"sha256": newest["sha256"]}
        return read_notice_file(canonicalise(newest["content"])).bound_in(documents)
    detail = "Neither the notice's file nor its SHA-256 is there."
    raise _wrong(detail, "Choose the file.", FILE)


def _names(form: Form, notice: Mapping[str, Any]) -> bool:
    sent = form.text("noticeReference"), form.text("noticeVersion")
    return sent == (notice["reference"], notice.get("version"))


def _json_object_in(content: bytes) -> dict[str, Any] | None:
    if not OBJECT_BEGINS.match(content):
        return None
    if is_too_deep(content):
        raise DocumentUnreadable(kind="file", reason=f"it is more than {JSON_DEPTH_MAX} deep")
    try:
        value: dict[str, Any] = json.loads(content.decode("utf-8-sig"))
    except ValueError:
        return None
    return value


def _wrong(detail: str, remedy: str, field: str) -> Problem:
    return Problem.of("consent-request-refused", detail, remedy).about(field)

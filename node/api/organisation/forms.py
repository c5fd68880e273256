"""What a page's form sends: fields, and a file where there is one (RFC 7578).

Read by the standard library, as the framework would want a package for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from node.api.schemas.base import Shape
from node.problems import Problem

FIELDS_MAX = 100
SomeShape = TypeVar("SomeShape", bound=Shape)


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name, the last one of a name; and files that have something in them."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Without blanks around; nothing for a field that did not come."""
        return self.fields.get(name, "").strip()

    def lines(self, name: str) -> list[str]:
        """What stands on each line that is not blank."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def chosen(self, *names: str) -> dict[str, str]:
        """Those of these fields in which something stands."""
        return {name: self.text(name) for name in names if self.text(name)}


async def read_form(request: Request) -> Form:
    """Raises a problem for what is no form."""
    declared, body = request.headers.get("content-type", ""), await request.body()
    try:
        # By a thread, since a file of 10,000 lines would keep all others waiting.
        return await run_in_threadpool(_parse, declared, body)
    except ValueError as error:
        detail = f"The body is no form: {error}."
        raise Problem.of("request-invalid", detail, "Send the page's own form.") from error


def _parse(declared: str, body: bytes) -> Form:
    if declared.startswith("multipart/form-data"):
        return _parts_of(declared, body)
    return Form(dict(parse_qsl(body.decode(), True, errors="strict", max_num_fields=FIELDS_MAX)))


def _parts_of(declared: str, body: bytes) -> Form:
    head = b"Content-Type: " + declared.encode("latin-1") + b"\r\n\r\n"
    fields, files = {}, {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        disposition = part["content-disposition"]
        name = "" if disposition is None else disposition.params.get("name", "")
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            raise ValueError("a part of it has parts itself")
        if part.get_filename() is None:
            fields[name] = content.decode()
        elif content:
            files[name] = content
    return Form(fields, files)


def as_shape(shape: type[SomeShape], values: Mapping[str, object]) -> SomeShape:
    """The body of the API's operation that a form stands for; what is wrong is told as there."""
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error


SentForm = Annotated[Form, Depends(read_form)]

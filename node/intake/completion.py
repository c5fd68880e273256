"""What a Prometheus-X document does not say and an organisation has to: read from `terms.json`.

Every value taken from there is noted, so that whoever shows it can mark it "not in the document".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


class CompletionUnreadable(Exception):
    """`terms.json` does not have the form that it should; the message names the place."""


class _Shape(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class CompletedLine(_Shape):
    """A price line; `payee` is `provider` or `consumer`, the price in base units."""

    payee: str = Field(pattern="^(provider|consumer)$")
    category: int = Field(ge=0, le=2**16 - 1)
    unit_price_minor: int = Field(ge=0, le=2**64 - 1)
    free_units: int = Field(ge=0, le=2**64 - 1)


class AgreementCompletion(_Shape):
    """A contract document has neither dates nor prices."""

    validity_days: int = Field(ge=1, le=36_500)
    lines: list[CompletedLine]


class ConsentCompletion(_Shape):
    """A receipt has a validity of "0", and names no issuer or recipient by DID."""

    validity_days: int = Field(ge=1, le=36_500)
    issuer: str = Field(pattern="^(provider|consumer)$")
    recipients: list[str]


class UseCompletion(_Shape):
    """How often the data is used, and what the consumer deposits first."""

    times: int = Field(ge=1, le=10_000)
    deposit_minor: int = Field(ge=1)


class Completion(_Shape):
    """The whole file. `didPattern` gives a DID to a participant whose entry has none."""

    about: str
    did_pattern: str
    hosted_by_operator: str = Field(pattern="^(provider|consumer)$")
    agreement: AgreementCompletion
    consent: ConsentCompletion
    use: UseCompletion

    def did_of(self, catalogue_id: str) -> str:
        """The DID for a catalogue entry."""
        return self.did_pattern.replace("{catalogueId}", catalogue_id)


@dataclass(frozen=True, slots=True)
class Noted:
    """A value, and whether the document has it."""

    name: str
    value: str
    in_document: bool


def read_completion(path: Path) -> Completion:
    """Reads `terms.json`; raises CompletionUnreadable."""
    try:
        return Completion.model_validate(json.loads(path.read_text()))
    except (OSError, ValueError, ValidationError) as error:
        raise CompletionUnreadable(f"{path}: {error}") from error

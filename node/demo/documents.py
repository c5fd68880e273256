"""The documents that the demo plays: found in a folder by what they are, not by their names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol.errors import DocumentUnreadable
from protocol.prometheus_x import (
    CatalogueParticipant,
    ContractReading,
    ReceiptReading,
    catalogue_id,
    read_bilateral_contract,
    read_consent_receipt,
    read_participant,
)


class DocumentsMissing(Exception):
    """The folder lacks a document that the line needs; the message says which."""


@dataclass(slots=True)
class DemoDocuments:
    """One contract, one receipt, and the catalogue entries of their parties, by catalogue id."""

    contract: ContractReading
    contract_source: dict[str, Any]
    receipt: ReceiptReading
    participants: dict[str, CatalogueParticipant]
    remarks: list[str] = field(default_factory=list)

    def party(self, role: str) -> CatalogueParticipant:
        """The contract's provider or consumer."""
        provider, consumer = self.contract.party_urls
        wanted = catalogue_id(provider if role == "provider" else consumer)
        return self.participants[wanted]


def read_documents(folder: Path) -> DemoDocuments:
    """Raises DocumentsMissing, or DocumentUnreadable for a document that breaks its format."""
    sources = {path.name: _read_json(path) for path in sorted(folder.glob("*.json"))}
    contracts = {
        name: value
        for name, value in sources.items()
        if "dataProvider" in value and "signatures" in value
    }
    receipts = {name: value for name, value in sources.items() if "piiProcessing" in value}
    if not contracts or not receipts:
        raise DocumentsMissing(
            f"{folder} needs a bilateral contract and a consent receipt; it has "
            f"{', '.join(sources) or 'no JSON file'}."
        )
    contract_source = next(iter(contracts.values()))
    documents = DemoDocuments(
        contract=read_bilateral_contract(contract_source),
        contract_source=contract_source,
        receipt=read_consent_receipt(next(iter(receipts.values()))),
        participants={},
    )
    _find_participants(documents, sources)
    for url in documents.contract.party_urls:
        if catalogue_id(url) not in documents.participants:
            raise DocumentsMissing(
                f"{folder} has no catalogue entry for {url}, a party of the contract."
            )
    return documents


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except ValueError as error:
        raise DocumentUnreadable(kind=path.name, reason=f"it is not JSON: {error}") from error
    return value if isinstance(value, dict) else {}


def _find_participants(documents: DemoDocuments, sources: dict[str, dict[str, Any]]) -> None:
    """Entries stand in files of their own, and inside privacy notices."""
    for name, value in sources.items():
        for where, entry in _entries(name, value):
            participant = read_participant(entry)
            known = documents.participants.get(participant.catalogue_id)
            if known is None:
                documents.participants[participant.catalogue_id] = participant
            else:
                documents.remarks.append(
                    f"{where} describes {known.name} ({known.catalogue_id}) once more"
                )


def _entries(name: str, value: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if value.get("@type") == "Participant":
        return [(name, value)]
    nested = value.get("dataProvider")
    if isinstance(nested, dict) and nested.get("@type") == "Participant":
        return [(f"{name} (dataProvider)", nested)]
    return []

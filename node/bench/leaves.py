"""How many documents a second become leaves, on one core: JSON, commitment, entry, leaf."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

from node.bench.figures import Figure, measured
from node.demo.documents import DemoDocuments
from node.intake.records import make_entry
from protocol.assurance import Assurance
from protocol.entries import leaf_of
from protocol.holder_keys import address_of, derive_holder_key
from protocol.merkle import root_of
from protocol.prometheus_x import complete_document
from protocol.types import AgreementId, OrganisationId

SECTION = "leaves"
DOCUMENTS = 2_000
TREE_LEAVES = 200_000


def measure_leaves(documents: DemoDocuments) -> Iterator[Figure]:
    """On the receipt's first purpose; each consent gets a key and a blinding of its own."""
    purpose = documents.receipt.purposes[0]
    document = complete_document(purpose, ["did:web:consumer.example"], Assurance.SIGNED)
    agreement, issuer = (
        AgreementId(secrets.token_bytes(32)),
        OrganisationId(secrets.token_bytes(20)),
    )
    holder = address_of(derive_holder_key(secrets.token_bytes(64), 0))
    started = time.perf_counter()
    for _ in range(DOCUMENTS):
        entry, _ = make_entry(document, agreement, issuer, holder, 0, 1)
        leaf_of(entry)
    rate = DOCUMENTS / (time.perf_counter() - started)
    yield measured(SECTION, "documents to leaves, one core", rate, "a second")
    leaves = [secrets.token_bytes(32) for _ in range(TREE_LEAVES)]
    started = time.perf_counter()
    root_of(leaves)
    rate = TREE_LEAVES / (time.perf_counter() - started)
    yield measured(SECTION, "leaves to a tree's root, one core", rate, "a second")

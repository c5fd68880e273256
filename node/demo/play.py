"""Plays the line, act by act."""

from __future__ import annotations

from node.demo.acts.agreement import conclude_agreement
from node.demo.acts.books import show_books
from node.demo.acts.consents import anchor_consents, prove_consent
from node.demo.acts.participants import register_participants
from node.demo.acts.usage import settle_use
from node.demo.acts.withdrawal import withdraw
from node.demo.cast import Stage, cast_learner, cast_organisation
from node.demo.documents import DemoDocuments
from node.demo.narration import Narrator
from node.demo.story import Story
from node.intake.completion import Completion

ACTS = (
    ("Participants from the catalogue are registered", register_participants),
    ("The bilateral contract becomes an agreement, signed by both", conclude_agreement),
    ("The consent receipt becomes consents, one a purpose, and is anchored", anchor_consents),
    ("The consent is active: by API, by proof file, by the contract", prove_consent),
    ("The data is used; a signed voucher is settled: net and commission", settle_use),
    ("The learner withdraws, through the relay", withdraw),
    ("The statement and the books", show_books),
)


def play(
    stage: Stage, documents: DemoDocuments, completion: Completion, narrator: Narrator
) -> None:
    """Plays all acts; raises DemoBroken, NodeRefused or TransactionReverted if one fails."""
    story = open_story(stage, documents, completion, narrator)
    for title, act in ACTS:
        with narrator.step(title):
            act(story)


def open_story(
    stage: Stage, documents: DemoDocuments, completion: Completion, narrator: Narrator
) -> Story:
    """The story before its first act, with its cast."""
    parties = {}
    for role in ("provider", "consumer"):
        entry = documents.party(role)
        did = entry.did or completion.did_of(entry.catalogue_id)
        parties[role] = cast_organisation(stage, role, entry, did)
    return Story(stage, documents, completion, narrator, parties, cast_learner(stage))

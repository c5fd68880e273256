"""What an agreement's policy asks of consents holds for records from other nodes, too."""

from __future__ import annotations

from tests.demanding import asking_for, attested, conclude_with
from tests.records.two_nodes import TwoNodes
from tests.stage import wait_until


def test_the_recipient_takes_no_record_with_less_than_the_policy_asks_for(
    nodes: TwoNodes, secret: bytes
) -> None:
    """The recipient has the document, and the issuer's node has not."""
    world, recipient = nodes.world, nodes.recipient
    parties = tuple(sorted((nodes.issuer.id, recipient.id)))
    document, changes = asking_for(world, "signed")
    terms = world.make_terms(parties=parties, **changes)
    agreement = conclude_with(world, recipient, document, terms, nodes.issuer, recipient)
    weak = attested(world, agreement, recipient.did)
    world.grant(weak)
    failures: list[str] = []

    def is_refused() -> bool:
        [delivery] = nodes.show(weak)["deliveries"]
        failures.append(delivery["lastFailure"] or "")
        return "at least signed" in failures[-1]

    wait_until(is_refused, "the refusal")
    strong = nodes.grant(secret, agreement_id=agreement)
    nodes.wait_for_deliveries(strong, [("record", "delivered")])
    assert (nodes.copies(weak), nodes.copies(strong)) == (0, 1)

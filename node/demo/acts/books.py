"""Act 7: the statement, a second settlement that moves nothing, books that equal the chain."""

from __future__ import annotations

import secrets
import time

from indexer.books import check_books
from indexer.chain import Chain
from node.bootstrap import require_database_url
from node.client import NodeRefused
from node.contracts import ALL_CONTRACTS
from node.db import owner_engine
from node.demo.story import DemoBroken, Story, money_on_chain, require
from protocol.periods import booking_month, period_label
from protocol.types import UnixSeconds, to_hex


def show_books(story: Story) -> None:
    """The statement's lines, a settlement that moves nothing, and books equal to the chain."""
    narrator = story.narrator
    provider = story.parties["provider"].client
    before = money_on_chain(story)
    try:
        provider.post("/v1/settlements", story.voucher, secrets.token_hex(16))
    except NodeRefused as refusal:
        narrator.fact("settled again", f"refused: {refusal.problem['detail']}")
        require(refusal.problem["type"].endswith("voucher-not-newer"), "the reason is the voucher")
    else:
        raise DemoBroken("the same voucher was settled twice")
    require(money_on_chain(story) == before, "the refused settlement moves nothing")
    month = period_label(booking_month(UnixSeconds(int(time.time()))))
    statement = provider.get_whole(
        f"/v1/statements/{month}", "lines", organisation=to_hex(story.parties["provider"].id)
    )
    own = [line for line in statement["lines"] if line["agreementId"] == to_hex(story.agreement_id)]
    require(len(own) == len(story.completion.agreement.lines), "each price line stands there")
    narrator.statement(statement)
    deployment, settings = story.stage.deployment, story.stage.settings
    addresses = {name: deployment.address_bytes(name) for name in ALL_CONTRACTS}
    engine = owner_engine(require_database_url(settings))
    assert settings.chain_url is not None
    with engine.connect() as connection:
        comparison = check_books(connection, Chain(settings.chain_url), addresses)
    engine.dispose()
    assert comparison is not None, "the index has a block"
    require(comparison.agrees, "the books equal the chain")
    checks = comparison.accounts
    require(sum(check.books_minor for check in checks) == 0, "the books balance")
    narrator.fact("books", f"{len(checks)} accounts sum to 0 and equal the chain's balances")

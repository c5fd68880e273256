"""A page says why the indexer stands still, in the reader's language."""

from __future__ import annotations

import html

import httpx

from tests.node.test_public_pages import read
from tests.stage import World, wait_until


def test_an_index_that_stands_still_says_why_in_french(at_rest: World) -> None:
    halt = (
        "The same ending of a consent is in block 3 and in block 5. The blocks from 3 on were "
        "read again, and it is the same again. The node makes up one of them. Give CHAIN_URL "
        "another node of this chain and start the node again, which reads those blocks once more; "
        "or run `ptx-ledger index rebuild`."
    )
    stands_still = "INSERT INTO indexing.halt VALUES (true, clock_timestamp(), :halt)"
    with at_rest.node.held("indexer"):
        at_rest.node.sql(stands_still, halt=halt)
        answer = read(at_rest, "/governance/events?kind=leaves", "fr")
    wait_until(lambda: httpx.get(f"{at_rest.node.url}/readyz").status_code == 200, "readiness")
    assert answer.status_code == 503
    main = html.unescape(answer.text.partition("<main")[2])
    assert "La même fin d'un consentement est dans le bloc 3 et dans le bloc 5." in main
    assert "Les blocs à partir du 3 ont été relus" in main
    assert '<span lang="en">' not in main

"""Why the indexer stands still is told to a French reader in French, whatever it is."""

from __future__ import annotations

from typing import Any, cast

import pytest

from indexer.audit import explain
from indexer.block_checks import BlockFault
from indexer.books import AccountCheck, Comparison
from indexer.cursor import BlockRef
from indexer.proving import Disproved
from indexer.rereads import (
    ANOTHER_NODE,
    REREADS_MAX,
    Contradiction,
    ReadInVain,
    Rereads,
    Unstorable,
    of_disproved,
    of_doubled,
)
from node.api.sentences import LENGTH_MAX, said_in
from protocol.postings import LedgerAccount
from protocol.types import AmountMinor

BLOCK = BlockRef(1_234_567, bytes(32), 1_795_793_633)
HASH = "0x" + "ab" * 32
GAPS = (
    f"agreement {HASH} was never proposed",
    "a batch begins at leaf 64, the log has 8",
    f"a settlement of agreement {HASH} begins at 9 units, 3 are settled",
)
FAULTS = (
    f"its header does not hash to {HASH}",
    "it does not follow block 1234566",
    f"its receipts hash to {HASH}, its header says {HASH}",
    f"the index has nothing of it, the chain hash {HASH} and time 1795793633",
    f"the index has hash {HASH} and time 1795793633 of it, the chain nothing",
    f"log 3, transfers: the index has {HASH}, {HASH}, 5, the receipts nothing",
    "leaves 64 to 127 of the index are not the chain's",
)
ASIDE = (
    "What is missing may be log 4 of block 12: ConsentRegistry wrote it, no interface of that "
    "contract explains it, and what rests on it cannot be guessed. `ptx-ledger contracts verify` "
    "compares the contracts on chain with this release: run the release that they belong to and "
    "`ptx-ledger index rebuild`; if they agree, the node garbles the log. " + ANOTHER_NODE
)
LEFT_OUT = f"The node leaves out logs of ConsentRegistry. {ANOTHER_NODE}"


def read_in_vain(found: Contradiction, *others: str) -> str:
    """What stands in the halt once a contradiction was met again, or was one too many."""
    rereads = Rereads(cast(Any, None), cast(Any, None), 1, 10)
    rereads._met.update(others or {found.met})
    with pytest.raises(ReadInVain) as told:
        rereads.read_again(found)
    return str(told.value)


def differing(accounts: int, leaves_on_chain: int) -> str:
    """What stands in the halt where books and contracts differ."""
    checks = [
        AccountCheck(LedgerAccount(f"holding:{HASH[:42]}"), AmountMinor(5), AmountMinor(number))
        for number in range(accounts)
    ]
    return explain(Comparison(BLOCK, checks, 8, leaves_on_chain))


HALTS = [
    *(
        read_in_vain(Contradiction(f"Logs are missing before log 3 of block 12: {gap}", 8, remedy))
        for gap in GAPS
        for remedy in (ASIDE, LEFT_OUT)
    ),
    *(read_in_vain(of_disproved(Disproved(BlockFault(12, fault)))) for fault in FAULTS),
    read_in_vain(of_doubled(12, 14)),
    read_in_vain(of_doubled(12, 14), *map(str, range(REREADS_MAX))),
    *(differing(*each) for each in ((1, 8), (3, 8), (0, 9), (1, 9))),
]


@pytest.mark.parametrize("halt", HALTS)
def test_every_halt_has_french_words(halt: str) -> None:
    told = f"The indexer stands still: {halt}"
    assert len(told) <= LENGTH_MAX
    said = str(said_in(told, "fr"))
    assert said.startswith("L&#39;indexeur est arrêté")
    assert 'lang="en"' not in said
    for english in (" the ", " block", "index has", "again", " logs ", "nothing", "Give "):
        assert english not in said


def test_what_a_database_says_stays_in_its_own_words() -> None:
    one, many = (str(Unstorable(5, last, ValueError("value out of range"))) for last in (5, 9))
    assert str(said_in(one, "fr")).endswith("(bloc 5)\xa0: value out of range")
    assert "(blocs 5 à 9)" in said_in(many, "fr")
    remedy = (
        "Either the node makes up a log or a number, or the contracts wrote what they cannot. "
        f"{ANOTHER_NODE}"
    )
    said = said_in(read_in_vain(Contradiction(one, 3, remedy)), "fr")
    assert "Les blocs à partir du 3 ont été relus" in said
    assert "lang=" not in said


def test_a_chain_that_was_replaced_is_told_in_french() -> None:
    told = (
        "The chain shares none of the remembered blocks (down to 90, which is final) with the "
        "index. Nothing was changed. Check that the node follows the right chain; if the chain "
        "really was replaced, run `ptx-ledger index rebuild`."
    )
    assert "Rien n&#39;a été changé." in said_in(told, "fr")

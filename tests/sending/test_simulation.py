"""Combined faults: whatever number draws them, in the end every act happened once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import pytest

from node.signers import KeySigner
from tests.own_chain import OwnChain, OwnDatabase
from tests.sending.anvil_chain import anvil_of
from tests.sending.simulation import ISSUERS, PlayedChain, Simulation, empty, model_of

SEEDS = 200
DEEP_SEEDS = 10_000
DEEP_PARTS = 10


def simulate(
    own_chain: OwnChain,
    own_database: OwnDatabase,
    seeds: range,
    play: Callable[[], AbstractContextManager[PlayedChain]],
    issuers: Sequence[bytes] = ISSUERS,
) -> Counter[str]:
    """Plays them; how often each thing happened."""
    happened: Counter[str] = Counter()
    name = own_database.owner.url.database
    own_database.sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    signer = KeySigner(own_chain.operator_account, own_chain.deployment.chain_id)
    chosen = os.environ.get("PTX_SEED")
    for seed in [int(chosen)] if chosen else seeds:
        empty(own_database.owner)
        try:
            with play() as chain:
                story = Simulation(
                    seed,
                    own_database.url,
                    own_database.owner,
                    own_chain.deployment,
                    signer,
                    chain,
                    issuers,
                )
                story.run()
                happened += story.events
                happened["acts"] += len(story.leaves)
        except BaseException as error:
            error.add_note(f"PTX_SEED={seed} plays it again: {dict(story.events)}")
            raise
    return happened


def in_memory(own_chain: OwnChain) -> Callable[[], AbstractContextManager[PlayedChain]]:
    return lambda: nullcontext(model_of(own_chain.deployment))


def test_some_stories_of_combined_faults(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    simulate(own_chain, own_database, range(SEEDS), in_memory(own_chain))


@pytest.mark.deep
@pytest.mark.parametrize("part", range(DEEP_PARTS))
def test_many_stories_of_combined_faults(
    own_chain: OwnChain, own_database: OwnDatabase, part: int
) -> None:
    size = DEEP_SEEDS // DEEP_PARTS
    seeds = range(part * size, (part + 1) * size)
    happened = simulate(own_chain, own_database, seeds, in_memory(own_chain))
    print(f"\nstories {seeds[0]:,} to {seeds[-1]:,}: {dict(sorted(happened.items()))}")


@pytest.mark.deep
def test_stories_of_combined_faults_on_a_real_chain(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    """Gas, refusals, receipts and logs are the contracts' here."""
    seeds, issuers = range(SEEDS), [own_chain.operator]
    happened = simulate(own_chain, own_database, seeds, lambda: anvil_of(own_chain), issuers)
    print(f"\n{len(seeds)} stories on a real chain: {dict(sorted(happened.items()))}")

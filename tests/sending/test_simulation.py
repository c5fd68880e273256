"""Combined faults: whatever number draws them, in the end every act happened once."""

from __future__ import annotations

import os

import pytest

from node.signers import KeySigner
from tests.own_chain import OwnChain, OwnDatabase
from tests.sending.simulation import Simulation, empty

SEEDS = 200
DEEP_SEEDS = 10_000
DEEP_PARTS = 10


def simulate(own_chain: OwnChain, own_database: OwnDatabase, seeds: range) -> None:
    name = own_database.owner.url.database
    own_database.sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    signer = KeySigner(own_chain.operator_account, own_chain.deployment.chain_id)
    chosen = os.environ.get("PTX_SEED")
    for seed in [int(chosen)] if chosen else seeds:
        empty(own_database.owner)
        story = Simulation(seed, own_database.url, own_database.owner, own_chain.deployment, signer)
        try:
            story.run()
        except BaseException as error:
            error.add_note(f"PTX_SEED={seed} plays it again: {dict(story.events)}")
            raise


def test_some_stories_of_combined_faults(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    simulate(own_chain, own_database, range(SEEDS))


@pytest.mark.deep
@pytest.mark.parametrize("part", range(DEEP_PARTS))
def test_many_stories_of_combined_faults(
    own_chain: OwnChain, own_database: OwnDatabase, part: int
) -> None:
    size = DEEP_SEEDS // DEEP_PARTS
    simulate(own_chain, own_database, range(part * size, (part + 1) * size))

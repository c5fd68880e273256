"""One run of our indexer in a process of its own, for figures: an empty database, up to the head.

python -m node.bench.follower DATABASE_URL CHAIN_URL DEPLOYMENT_FILE
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine

from indexer.chain import Chain
from indexer.runner import Indexer, Source
from node.contracts import ALL_CONTRACTS, load_deployment

FINALITY_BLOCKS = 64


def main() -> None:
    """Writes the seconds from the first request on, processor time and the peak of memory."""
    database_url, chain_url, deployment_file = sys.argv[1:]
    deployment = load_deployment(Path(deployment_file))
    source = Source(
        chain=Chain(chain_url),
        addresses={name: deployment.address_bytes(name) for name in ALL_CONTRACTS},
        first_block=deployment.block_number,
        chain_id=deployment.chain_id,
        finality_blocks=FINALITY_BLOCKS,
    )
    started = time.perf_counter()
    Indexer(create_engine(database_url), source).catch_up()
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    run = {
        "indexing_seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
    }
    sys.stdout.write(json.dumps(run) + "\n")


if __name__ == "__main__":
    main()

"""Entry point of `make bench`."""

from rich.console import Console

from node.bench.run import run_bench

if __name__ == "__main__":
    run_bench(Console(highlight=False))

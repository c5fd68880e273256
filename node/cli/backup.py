"""`ptx-ledger backup` and `restore`: the node's promises and records, on another disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from node.cli.local import local_settings
from node.cli.output import console, fail, show_time
from node.config import Settings

Folder = Annotated[Path, typer.Argument(help="The backup: a folder.")]
Keys = Annotated[
    Path | None,
    typer.Option(help="A file for the node's keys, sealed by a passphrase; keep it elsewhere."),
]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file with the passphrase, instead of being asked for it.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    folder: Folder,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    with_index: Annotated[
        bool, typer.Option("--with-index", help="The index, too, so that a restore is quicker.")
    ] = False,
) -> None:
    """Copy what the node has promised and keeps, while it runs. The chain is its own copy."""
    from node.backup.making import key_places, make_backup
    from node.backup.sealed_keys import seal_keys

    settings = local_settings()
    if keys is not None:
        if keys.resolve().is_relative_to(folder.resolve()):
            fail(f"{keys} is inside the backup that it opens: keep the keys elsewhere.")
        passphrase = _passphrase(passphrase_file, is_new=True)
        count = seal_keys(key_places(settings), passphrase, keys)
        console.print(f"sealed {count} keys into {keys}", soft_wrap=True)
    manifest = make_backup(settings, folder, with_index)
    size = sum(part.size_bytes for part in manifest.parts.values())
    console.print(
        f"saved {manifest.rows['consents']} records and {manifest.rows['outbox']} acts, up to act "
        f"{manifest.last_outbox_id}, as of {show_time(manifest.made_at)}: {size:,} bytes",
        soft_wrap=True,
    )
    if keys is None:
        console.print("without the keys (--keys): nobody can open the records from this alone")


def restore(folder: Folder, keys: Keys = None, passphrase_file: PassphraseFile = None) -> None:
    """Put a backup into an empty database, read the chain, and send nothing twice. No node may run
    on the state directory."""
    from node.backup.restoring import restore_backup
    from node.backup.sealed_keys import open_keys, put_keys
    from node.embedded.supervisor import servers_alone
    from node.logs import logs_on_stderr

    settings = Settings()
    _require_chain(settings)
    if keys is not None:
        from node.backup.making import key_places

        opened = open_keys(keys, _passphrase(passphrase_file, is_new=False))
        own = {name: settings.keys_dir / name for name in opened}
        put_keys(opened, {**own, **key_places(settings)})
        console.print(f"{len(opened)} keys are in {settings.keys_dir}", soft_wrap=True)
    with (
        logs_on_stderr(),
        servers_alone(settings) as complete,
        Progress(transient=True) as progress,
    ):
        task = progress.add_task("reading the chain", total=None)
        restore_backup(
            complete,
            folder,
            lambda line: console.print(line, soft_wrap=True),
            lambda blocks: progress.advance(task, blocks),
        )
    console.print("restored; start the node with `ptx-ledger run`")


def _require_chain(settings: Settings) -> None:
    from node.embedded.chain import state_file

    if settings.embedded_chain and not state_file(settings.state_dir).exists():
        fail(
            f"{state_file(settings.state_dir)}, the chain that this node brought with it, is gone, "
            "and no backup has it: a backup belongs to its chain. Set CHAIN_URL to that chain."
        )


def _passphrase(path: Path | None, is_new: bool) -> str:
    if path is not None:
        return path.read_text().strip()
    answer: str = typer.prompt("passphrase", hide_input=True, confirmation_prompt=is_new, err=True)
    return answer

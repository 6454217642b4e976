"""Taking the log out: one file that `audit.verify` checks with no database and no network."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from audit.archived import Source
from audit.bundle_files import (
    CHECKPOINT,
    COSIGNATURES,
    EVENTS,
    MANIFEST,
    POLICY,
    VKEY,
    EventLine,
    manifest_text,
)
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.container import pack
from audit.log_signers import LogSigners
from audit.note import sign_note, split_note, verified_lines
from audit.proofs import checkpoint_at, current_log, latest_checkpoint
from audit.reader import MayOpen, everything
from audit.store.timestamping import timestamps, token_of
from audit.store.witnessing import cosignatures
from audit.tiles import entry_bundles_of, pack_entries, tiles_of
from audit.tree import StoredTree
from audit.unit_of_work import Ledger


class NothingToExportError(ValueError):
    """The log has signed no checkpoint, or none of the size asked for."""


def write_bundle(
    connection: Connection,
    ledger: Ledger,
    *,
    signers: LogSigners,
    log: str | None = None,
    size: int | None = None,
    may_open: MayOpen = everything,
    policy: bytes | None = None,
    archive: Path | None = None,
) -> bytes:
    """The log up to its newest checkpoint that is given out, or up to the one signed at `size`.

    `log` names a shard (audit.shards), without it the newest is taken. `policy` is the file that
    says which witnesses the log asks, `archive` the folder that holds what is not here any more.

    Every event is in it with all its digests; what `may_open` closes stays closed, and proves
    all the same. Raises NothingToExportError, ArchivedEntriesError, ArchiveError, TreeDamagedError,
    or ContainerError when the log is too large for one file.
    """
    log = log or current_log(connection)
    note = _note(connection, log, size)
    if log is None or note is None:
        raise NothingToExportError
    checkpoint = open_checkpoint(note, signers.verifiers(log), origin=signers.origin(log))
    files = {CHECKPOINT: note, VKEY: _vkeys(signers, log, note)}
    if cosigned := _cosignatures(connection, log, checkpoint.size):
        files[COSIGNATURES] = cosigned
    files |= dict(_timestamps(connection, log, checkpoint.size))
    if policy is not None:
        files[POLICY] = policy
    tree = StoredTree(connection, log, checkpoint.size)
    source = Source.of(connection, ledger, tree, archive)
    files |= dict(_tree_files(tree, source))
    files[EVENTS] = "".join(_event_lines(source, may_open)).encode()
    text = manifest_text(checkpoint.origin, files)
    files[MANIFEST] = sign_note(text, signers.note_signers(log))
    return pack(files)


def _timestamps(connection: Connection, log: str, size: int) -> Iterator[tuple[str, bytes]]:
    """The newest stamp of each authority on each day up to that size, with the note that it is
    about: the newest of all says how old the log is, those before it that nothing was backdated."""
    newest = {(row.tsa, row.at.date()): row for row in timestamps(connection, log, up_to=size)}
    numbers = {tsa: number for number, tsa in enumerate(sorted({tsa for tsa, _ in newest}))}
    for row in newest.values():
        place = f"timestamps/{row.size}"
        yield f"{place}/checkpoint", checkpoint_at(connection, row.size, log=log) or b""
        yield f"{place}/{numbers[row.tsa]}.tsr", token_of(connection, log, row.size, row.tsa) or b""


def _cosignatures(connection: Connection, log: str, size: int) -> bytes:
    """The newest line of each witness under the checkpoint of that size."""
    newest = {row.witness: row.line for row in cosignatures(connection, log, size)}
    return b"".join(newest.values())


def _vkeys(signers: LogSigners, log: str, note: bytes) -> bytes:
    """The keys that sign the manifest, and all that have signed the checkpoint: maybe retired."""
    _, lines = verified_lines(note, signers.verifiers(log))
    keys = [each.vkey for each in signers.note_signers(log)]
    keys += [line.verifier.vkey for line in lines]
    return "".join(f"{each}\n" for each in dict.fromkeys(keys)).encode()


def _note(connection: Connection, log: str | None, size: int | None) -> bytes | None:
    """The note with the log's own lines only: those of witnesses stand in a file of their own."""
    if size is None:
        newest = latest_checkpoint(connection, log=log)
        if newest is None:
            return None
        size = Checkpoint.parse(split_note(newest)[0]).size
    return checkpoint_at(connection, size, log=log)


def _tree_files(tree: StoredTree, source: Source) -> Iterator[tuple[str, bytes]]:
    for name in tiles_of(tree.size):
        yield name.path, b"".join(tree.tile(name.level or 0, name.index))
    for name in entry_bundles_of(tree.size):
        yield name.path, pack_entries(source.entries(name.index))


def _event_lines(source: Source, may_open: MayOpen) -> Iterator[str]:
    """A line for each event; the link to the log before this one is an entry without an event."""
    for name in entry_bundles_of(source.tree.size):
        for each in source.events(name.index, may_open):
            yield str(EventLine(each.index or 0, each.event_id, each.digests, each.disclosures))

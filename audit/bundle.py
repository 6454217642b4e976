"""Taking the log out: one file that `audit.verify` checks with no database and no network."""

from collections.abc import Iterator

from sqlalchemy import Connection

from audit.bundle_files import CHECKPOINT, EVENTS, MANIFEST, VKEY, EventLine, manifest_text
from audit.checkpoint import open_checkpoint
from audit.container import pack
from audit.note import NoteSigner
from audit.proofs import checkpoint_at, latest_checkpoint
from audit.reader import MayOpen, everything, placed_disclosures
from audit.tiles import TILE_WIDTH, entry_bundles_of, pack_entries, tiles_of
from audit.tree import StoredTree
from audit.unit_of_work import Ledger


class NothingToExportError(ValueError):
    """The log has signed no checkpoint, or none of the size asked for."""


def write_bundle(
    connection: Connection,
    ledger: Ledger,
    *,
    signer: NoteSigner,
    size: int | None = None,
    may_open: MayOpen = everything,
) -> bytes:
    """The log up to its newest checkpoint, or up to the one signed at `size`.

    Every event is in it with all its digests; what `may_open` closes stays closed, and proves
    all the same. Raises NothingToExportError, TreeDamagedError, or ContainerError when the log is
    too large for one file.
    """
    note = latest_checkpoint(connection) if size is None else checkpoint_at(connection, size)
    if note is None:
        raise NothingToExportError
    checkpoint = open_checkpoint(note, [signer.verifier], origin=signer.name)
    files = {CHECKPOINT: note, VKEY: f"{signer.vkey}\n".encode()}
    files |= dict(_tree_files(StoredTree(connection, checkpoint.size)))
    lines = _event_lines(connection, ledger, checkpoint.size, may_open)
    files[EVENTS] = "".join(lines).encode()
    files[MANIFEST] = signer.sign(manifest_text(signer.name, files))
    return pack(files)


def _tree_files(tree: StoredTree) -> Iterator[tuple[str, bytes]]:
    for name in tiles_of(tree.size):
        yield name.path, b"".join(tree.tile(name.level or 0, name.index))
    for name in entry_bundles_of(tree.size):
        yield name.path, pack_entries(tree.entries(name.index))


def _event_lines(
    connection: Connection, ledger: Ledger, size: int, may_open: MayOpen
) -> Iterator[str]:
    for start in range(0, size, TILE_WIDTH):
        end = min(start + TILE_WIDTH, size)
        events = placed_disclosures(connection, ledger, start, end, may_open=may_open)
        for index, each in enumerate(events, start):
            yield str(EventLine(index, each.event_id, each.digests, each.disclosures))

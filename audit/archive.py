"""Archiving the oldest part of a log: plain files, read back and hashed again before all else.

Nothing leaves the database before its copy has been read from the disk and found to give the
stored tree. What may go, and when, the retention policy says (docs/operator.md); without one a log
must not be pruned (C2SP tlog-tiles). Tiles and checkpoints stay in the database for ever, so that
every proof ever given still verifies, and proofs for archived entries can still be made.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from audit import archive_files as files
from audit.archive_files import ArchivedEvent, ArchiveFileError
from audit.bundle_files import sha256
from audit.disclosure import commitment, leaf, split_digests
from audit.durable import sync_folder
from audit.merkle import leaf_hash
from audit.model import Event, Kind, written_time
from audit.store import archive as store
from audit.store import reading
from audit.store import tree as tree_store
from audit.tiles import TILE_WIDTH, TileError, TileName, pack_entries, split_hashes, unpack_entries
from audit.tree import StoredTree, note_before
from audit.unit_of_work import UnitOfWork


class ArchiveError(RuntimeError):
    """What cannot be archived, or an archive that is not as it must be: which file, and why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """Entries [start, end) of a log."""

    log: str
    start: int
    end: int

    def bundles(self) -> Iterator[TileName]:
        """The bundles of the part; only the last one of a closed log is not full."""
        for first in range(self.start, self.end, TILE_WIDTH):
            yield TileName(None, first // TILE_WIDTH, min(TILE_WIDTH, self.end - first))


@dataclass(frozen=True, slots=True)
class Archived:
    """A part that stands in files."""

    part: Part
    digest: str
    """SHA-256 of the list of files, which holds the SHA-256 of each."""


def part_before(connection: Connection, log: str, index: int) -> Part:
    """What is to be archived below an index: whole tiles, or all of a log that is closed.

    Raises ArchiveError when that is nothing.
    """
    last = tree_store.last_checkpoint(connection, log)
    newest = tree_store.last_checkpoint(connection)
    if last is None or newest is None or index > last.size:
        raise ArchiveError(log, "no checkpoint covers that index")
    whole = index == last.size and newest.log != log
    end = index if whole else index - index % TILE_WIDTH
    start = store.minimum_index(connection, log)
    if start >= end:
        raise ArchiveError(log, "there is no whole tile to archive")
    return Part(log, start, end)


def parts_before(connection: Connection, moment: datetime) -> list[Part]:
    """What was signed before that moment, in every log that has something of it."""
    found = []
    for log in tree_store.logs(connection):
        signed = store.size_at(connection, log, moment)
        try:
            found.append(part_before(connection, log, signed))
        except ArchiveError:
            continue  # nothing of this log is as old as that
    return found


def write_archive(connection: Connection, part: Part, folder: Path) -> Archived:
    """Write the part's files, read them back, and hold them against the stored tree.

    What stands there already is written again only if it differs, which is refused: an archive is
    never changed. Raises ArchiveError, TreeDamagedError and OSError.
    """
    last = tree_store.last_checkpoint(connection, part.log)
    if last is None:
        raise ArchiveError(part.log, "no checkpoint")
    tree = StoredTree(connection, part.log, last.size)
    if tree.root() != last.root:
        raise ArchiveError(part.log, "the stored tree is not the signed one")
    digests: dict[str, str] = {}
    for name in part.bundles():
        for path, content in _files_of(connection, part.log, tree, name):
            _write(folder, path, content)
            digests[path] = sha256(content)
    checkpoint = f"{part.log}/checkpoint-{last.size}"
    _write(folder, checkpoint, last.note)
    digests[checkpoint] = sha256(last.note)
    listed = files.list_text(digests).encode()
    _write(folder, files.list_path(part.log, part.start, part.end), listed)
    _make_durable(folder, digests)
    check_archive(connection, part, folder)
    return Archived(part, sha256(listed))


def check_archive(connection: Connection, part: Part, folder: Path) -> None:
    """Every entry and event in the files gives the hashes in the stored tree.

    Raises ArchiveError.
    """
    last = tree_store.last_checkpoint(connection, part.log)
    tree = StoredTree(connection, part.log, part.end if last is None else last.size)
    for name in part.bundles():
        stored = tree.tile(0, name.index)[: name.width]
        events = read_events(folder, part.log, name)
        entries = read_entries(folder, part.log, name)
        if [leaf_hash(each) for each in entries] != stored:
            raise ArchiveError(files.entries_path(part.log, name), "not the entries of the log")
        path = files.hashes_path(part.log, name)
        if split_hashes(_read(folder, path)) != stored:
            raise ArchiveError(path, "not the hashes of the log")
        start = name.index * TILE_WIDTH
        known = {start + place: entry for place, entry in enumerate(entries)}
        if any(known[each.index] != _entry(each) for each in events):
            raise ArchiveError(files.events_path(part.log, name), "not the events of the entries")
        if start + len(events) + _links(connection, part.log, name) != start + name.width:
            raise ArchiveError(files.events_path(part.log, name), "an event is missing")


def read_entries(folder: Path, log: str, name: TileName) -> list[bytes]:
    """The entries of an archived bundle. Raises ArchiveError."""
    path = files.entries_path(log, name)
    try:
        return unpack_entries(_unpacked(folder, path))
    except TileError as error:
        raise ArchiveError(path, "not a bundle of entries") from error


def read_events(folder: Path, log: str, name: TileName) -> list[ArchivedEvent]:
    """The events of an archived bundle, in order, each below another index. Raises ArchiveError."""
    path = files.events_path(log, name)
    try:
        lines = _unpacked(folder, path).decode("ascii").splitlines(keepends=True)
        events = [ArchivedEvent.parse(line) for line in lines]
    except (UnicodeDecodeError, ArchiveFileError) as error:
        raise ArchiveError(path, "not the events of a log") from error
    start = name.index * TILE_WIDTH
    indexes = [each.index for each in events]
    if indexes != sorted(set(indexes) & set(range(start, start + name.width))):
        raise ArchiveError(path, "events of other entries")
    return events


def retire(uow: UnitOfWork, archived: Archived) -> None:
    """Say in the log that the part stands in an archive."""
    part = archived.part
    reference = f"{part.log}:{part.start}-{part.end}"
    uow.record(Event(kind=Kind.LOG_ARCHIVED, reference=reference, digest=archived.digest))


def take_out(uow: UnitOfWork, archived: Archived) -> list[str]:
    """Raise the log's minimum index and take out the partitions below it (PostgreSQL).

    Gives the names of the tables that are now apart and may be dropped. To be called with the
    event that `retire` records in the same unit of work, as the owner of the tables.
    """
    part = archived.part
    reference = f"{part.log}:{part.end}"
    event_id = uow.record(Event(kind=Kind.LOG_PRUNED, reference=reference, digest=archived.digest))
    store.raise_minimum(uow.connection, part.log, part.end, uow.now, event_id)
    if uow.connection.dialect.name == "sqlite":
        return []
    return store.detach_below_minimum(uow.connection)


def _files_of(
    connection: Connection, log: str, tree: StoredTree, name: TileName
) -> Iterator[tuple[str, bytes]]:
    yield files.hashes_path(log, name), b"".join(tree.tile(0, name.index)[: name.width])
    entries = pack_entries(tree.entries(name.index)[: name.width])
    yield files.entries_path(log, name), files.pack(entries)
    start = name.index * TILE_WIDTH
    rows = reading.placed(connection, log, start, start + name.width)
    lines = [
        ArchivedEvent(
            row.index or 0, row.number, row.event_id, written_time(row.at), row.digests, row.sealed
        )
        for row in rows
    ]
    yield files.events_path(log, name), files.pack("".join(map(str, lines)).encode())


def _entry(event: ArchivedEvent) -> bytes:
    return leaf(commitment(event.event_id, split_digests(event.digests)))


def _links(connection: Connection, log: str, name: TileName) -> int:
    """The link to the log before is an entry without an event."""
    return int(name.index == 0 and note_before(connection, log) is not None)


def _write(folder: Path, name: str, content: bytes) -> None:
    """Whole or not at all: written aside, made durable, then given its name."""
    path = folder / name
    if path.exists():
        if path.read_bytes() != content:
            raise ArchiveError(name, "stands there already, with something else in it")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    # Sealed or not, who had access to what is for the owner's eyes until she publishes it.
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        # So that what is read back comes from the disk.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    aside.rename(path)


def _make_durable(folder: Path, names: dict[str, str]) -> None:
    """The names of the files, as well as what is in them."""
    folders = {folder, *(parent for name in names for parent in (folder / name).parents)}
    for each in sorted(path for path in folders if path.is_relative_to(folder)):
        sync_folder(each)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ArchiveError(name, "cannot be read") from error


def _unpacked(folder: Path, name: str) -> bytes:
    try:
        return gzip.decompress(_read(folder, name))
    except (EOFError, OSError, zlib.error) as error:
        raise ArchiveError(name, "cannot be unpacked") from error

"""The entries and events of a log for an export: also those that stand in an archive by now."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from audit.archive import ArchiveError, read_entries, read_events
from audit.archive_files import ArchivedEvent, entries_path, events_path
from audit.disclosure import commitment, split_digests
from audit.merkle import leaf_hash
from audit.reader import Disclosed, MayOpen, placed_disclosures, stored_disclosures
from audit.seal import SealedEventError
from audit.store import tree as store
from audit.store.archive import minimum_index
from audit.store.reading import StoredEvent
from audit.tiles import TILE_WIDTH, TileName
from audit.tree import StoredTree, note_before
from audit.unit_of_work import Ledger


class ArchivedEntriesError(ArchiveError):
    """What is wanted is not here any more and nobody has said where the archive is."""

    def __init__(self, log: str, minimum: int) -> None:
        super().__init__(log, f"entries below {minimum} stand in the archive")
        self.log = log
        self.minimum = minimum


@dataclass(frozen=True, slots=True)
class Source:
    """A log at one size, a bundle of 256 entries at a time."""

    connection: Connection
    ledger: Ledger
    tree: StoredTree
    minimum: int
    """Entries below it may be in the archive only."""
    archive: Path | None

    @classmethod
    def of(
        cls, connection: Connection, ledger: Ledger, tree: StoredTree, archive: Path | None
    ) -> "Source":
        return cls(connection, ledger, tree, minimum_index(connection, tree.log), archive)

    def entries(self, position: int) -> list[bytes]:
        """Raises ArchivedEntriesError, ArchiveError or TreeDamagedError."""
        start, end = self._bounds(position)
        if self._is_here(start, end):
            return self.tree.entries(position)
        archived = self._archived(start)
        found = read_entries(*archived)[: end - start]
        if list(map(leaf_hash, found)) != self.tree.tile(0, position):
            raise ArchiveError(entries_path(*archived[1:]), "not the entries of the log")
        return found

    def events(self, position: int, may_open: MayOpen) -> list[Disclosed]:
        """The events of these entries as far as the reader may open them. Raises the same."""
        start, end = self._bounds(position)
        if self._is_here(start, end):
            return placed_disclosures(
                self.connection, self.ledger, self.tree.log, start, end, may_open=may_open
            )
        archived = self._archived(start)
        rows = [self._stored(each) for each in read_events(*archived) if each.index < end]
        link = start == 0 and note_before(self.connection, self.tree.log) is not None
        if len(rows) != end - start - link:
            raise ArchiveError(events_path(*archived[1:]), "an event is missing")
        try:
            return stored_disclosures(self.connection, self.ledger, rows, may_open=may_open)
        except SealedEventError as error:
            place = events_path(*archived[1:])
            raise ArchiveError(place, "not the events of the entries") from error

    def _bounds(self, position: int) -> tuple[int, int]:
        start = position * TILE_WIDTH
        return start, min(start + TILE_WIDTH, self.tree.size)

    def _is_here(self, start: int, end: int) -> bool:
        """Leaves without their event are left out of what the store gives."""
        if start >= self.minimum:
            return True
        return len(store.leaves(self.connection, self.tree.log, start, end)) == end - start

    def _archived(self, start: int) -> tuple[Path, str, TileName]:
        """Where the bundle stands: a full one, or the last one of a log that was closed."""
        if self.archive is None:
            raise ArchivedEntriesError(self.tree.log, self.minimum)
        width = min(TILE_WIDTH, self.minimum - start)
        return self.archive, self.tree.log, TileName(None, start // TILE_WIDTH, width)

    def _stored(self, event: ArchivedEvent) -> StoredEvent:
        """As it stood in the database; the leaf is the tree's own, which stays."""
        place, offset = divmod(event.index, TILE_WIDTH)
        return StoredEvent(
            event.number,
            event.event_id,
            datetime.fromisoformat(event.at),
            commitment(event.event_id, split_digests(event.digests)),
            event.digests,
            event.sealed,
            self.tree.log,
            event.index,
            self.tree.tile(0, place)[offset],
        )

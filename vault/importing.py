"""A register's documents brought in from a file, many at a time.

Each piece of the file is one unit of work with its documents, their events and the note of how far
the import has come. So after a crash it goes on behind the last piece that was committed: nothing
comes twice, nothing is left out. The note is found by a keyed digest of the whole file: another
file, or the same one changed, begins at its beginning, where documents that came before are known.

The report of refused lines is on the disk before the note of it is committed; what it says beyond
that is cut off when the import goes on.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BufferedRandom, BufferedReader
from itertools import islice

from audit.model import Actor, Event, Kind
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.deposit_document import Stated
from vault.batches import Outcome, deposit_all
from vault.lines import Line, RefusedLine, lines, read_line
from vault.stated import SignatureCheck
from vault.store import imports as store
from vault.store.imports import ElsewhereImportedError, Progress
from vault.vault import Vault

__all__ = ["ElsewhereImportedError", "Importer", "Progress", "ReportError"]

BATCH = 500
"""Documents of one unit of work: enough that a commit costs little for each of them."""
_PLACES = {Outcome.NOT_WANTED: "#/dataset", Outcome.UNKNOWN_OTHER: "#/facts"}
"""Where a line is at fault; all other outcomes are about whom it names."""


class ReportError(ValueError):
    """The report is another file's, or not any more what the import has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What an import works with."""

    ledger: Ledger
    vault: Vault
    actor: Actor
    clock: Callable[[], datetime]
    signatures: SignatureCheck
    enrols: bool = False
    """Whether people who are not known yet are taken in; else their documents are refused."""
    batch: int = BATCH

    def find(self, file: BufferedReader) -> Progress:
        """How far the import of this very file has come."""
        digest = hashlib.file_digest(file, hashlib.sha256).digest()
        # Keyed, since a file of one short line could be guessed from its digest.
        import_id = self.vault.blind("vault/import/1", digest)
        with self.ledger.read() as connection:
            found = store.find(connection, import_id)
        return found or Progress(id=import_id, begun_at=self.clock())

    def run(
        self, file: BufferedReader, report: BufferedRandom, progress: Progress
    ) -> Iterator[Progress]:
        """Bring in what is left of the file; gives the progress after each commit.

        Raises ReportError and ElsewhereImportedError; what was committed stays.
        """
        progress = replace(progress, reported=_cut(report, progress))
        file.seek(progress.position)
        to_come = lines(file, number=progress.lines)
        while progress.ended_at is None:
            piece = list(islice(to_come, self.batch))
            progress = self._take(piece, report, progress)
            yield progress

    def _take(self, piece: Sequence[Line], report: BufferedRandom, before: Progress) -> Progress:
        now = self.clock()
        catalogue, signatures = self.vault.catalogue, self.signatures
        read = [read_line(line, catalogue, now=now, signatures=signatures) for line in piece]
        with self._begin(now) as uow:
            stated = [each for each in read if isinstance(each, Stated)]
            outcomes = deposit_all(uow, self.vault, stated, enrols=self.enrols)
            refused = list(_refused(piece, read, outcomes))
            after = replace(
                before,
                position=piece[-1].end if piece else before.position,
                lines=before.lines + len(piece),
                kept=before.kept + outcomes.count(Outcome.KEPT),
                known=before.known + outcomes.count(Outcome.KNOWN),
                refused=before.refused + len(refused),
                reported=before.reported + _write(report, refused),
                ended_at=now if len(piece) < self.batch else None,
            )
            _note(uow, before, after)
        return after

    def _begin(self, now: datetime) -> AbstractContextManager[UnitOfWork]:
        return begin(self.ledger, actor=self.actor, now=now, about=EVERYONE)


def _refused(
    piece: Sequence[Line], read: Sequence[Stated | RefusedLine], outcomes: Sequence[Outcome]
) -> Iterator[RefusedLine]:
    """The refused lines, in the order of the file."""
    left = iter(outcomes)
    for line, each in zip(piece, read, strict=True):
        if isinstance(each, RefusedLine):
            yield each
            continue
        outcome = next(left)
        if outcome not in {Outcome.KEPT, Outcome.KNOWN}:
            yield RefusedLine(line.number, _PLACES.get(outcome, "#/subject/id"), outcome)


def _note(uow: UnitOfWork, before: Progress, after: Progress) -> None:
    event_id = uow.record(Event(kind=Kind.DATA_IMPORTED, reference=after.id.hex()))
    if before.lines == 0:
        store.add(uow.connection, after, event_id)
    else:
        store.move(uow.connection, before, after, event_id)


def _write(report: BufferedRandom, refused: Sequence[RefusedLine]) -> int:
    """Lines of the report, on the disk when this returns; how many bytes they are."""
    written = b"".join(each.written() for each in refused)
    if written:
        report.write(written)
        report.flush()
        os.fsync(report.fileno())
    return len(written)


def _cut(report: BufferedRandom, progress: Progress) -> int:
    """Make the report what the committed import has written; gives its length.

    It begins with the import's id, so that no other file is ever cut.
    """
    heading = b'{"import": "%s"}\n' % progress.id.hex().encode()
    written = report.seek(0, os.SEEK_END)
    report.seek(0)
    if not heading.startswith(report.read(len(heading))) or written < progress.reported:
        raise ReportError
    report.seek(0)
    report.write(heading)
    return report.truncate(report.seek(max(progress.reported, len(heading))))

"""What this room does again of what the journal tells (audit.replaying): ends of consents, what
was stopped or taken out of them, clients that were stopped or have got other keys, and declarations
that were suspended or retired.

The new keys of a client are not in the journal, so a client whose old ones have come back is
stopped until it is given its keys again: else whoever had stolen the old ones could use them.
A declaration that is suspended or retired again stands so since the time of its line, and not since
the replay: so the next line about it is later, and known where it was done.
"""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from audit.journal_line import JournalEntry, Told, digest_of
from audit.reader import happened_at
from audit.replaying import Again, Word, Words, changed_since
from audit.unit_of_work import UnitOfWork
from consent.clients import await_keys, clients, keys_digest, suspend_client
from consent.declarations import step_again
from consent.declared import Act, DeclarationKind, Declared, possible
from consent.ending import (
    end_again,
    gives_more,
    goes_on,
    narrow_again,
    pause_again,
    stands,
)
from consent.journaling import suspension_of
from consent.model import Client, ClientStatus
from consent.store import clients as store
from consent.store import declarations as declared
from policies.ids import ClientId, ConsentId


def _consent_stands(connection: Connection, entry: JournalEntry) -> bool:
    return stands(connection, ConsentId(entry.id_at(0)))


def _end(uow: UnitOfWork, entry: JournalEntry, *, withdrawn: bool) -> None:
    end_again(uow, ConsentId(entry.id_at(0)), withdrawn=withdrawn)


def _works_again(connection: Connection, entry: JournalEntry) -> bool:
    found = _client(connection, entry)
    return found is not None and found.status is not ClientStatus.SUSPENDED


def _has_old_keys(connection: Connection, entry: JournalEntry) -> bool:
    found = _client(connection, entry)
    if found is None or found.status is not ClientStatus.ACTIVE:
        return False
    return keys_digest(found) != entry.about[1]


def _client(connection: Connection, entry: JournalEntry) -> Client | None:
    """The client that the line is about, if it stands here as it stood before the line.

    One that waits for its keys came out of this replay, whatever the time of its last event.
    """
    for each in clients(connection):
        if digest_of(each.id) == entry.about[0]:
            event_id = store.changed_by(connection, each.id)
            waits = each.status is ClientStatus.AWAITING_KEYS
            return each if waits or not changed_since(connection, event_id, entry.at) else None
    return None


def _to_client(stop: Callable[[UnitOfWork, ClientId], object]) -> Again:
    """Do it to the client that the line is about."""

    def again(uow: UnitOfWork, entry: JournalEntry) -> None:
        ids = {digest_of(each.id): each.id for each in clients(uow.connection)}
        stop(uow, ids[entry.about[0]])

    return again


def _goes_on(connection: Connection, entry: JournalEntry) -> bool:
    stopped = suspension_of(int(entry.about[1], 16))
    return goes_on(connection, ConsentId(entry.id_at(0)), entry.at, stopped)


def _pause(uow: UnitOfWork, entry: JournalEntry) -> None:
    pause_again(uow, ConsentId(entry.id_at(0)), suspension_of(int(entry.about[1], 16)))


def _gives_more(connection: Connection, entry: JournalEntry) -> bool:
    return gives_more(connection, ConsentId(entry.id_at(0)), int(entry.about[1], 16))


def _narrow(uow: UnitOfWork, entry: JournalEntry) -> None:
    narrow_again(uow, ConsentId(entry.id_at(0)), int(entry.about[1], 16))


def _can_again(act: Act, connection: Connection, entry: JournalEntry) -> bool:
    """Whether the declaration that the line is about stands here as before the line."""
    found = _declarations(connection).get(entry.about[0])
    if found is None or act not in possible(found.status):
        return False
    return found.changed_at is not None and found.changed_at < entry.at


def _resumes(connection: Connection, entry: JournalEntry) -> bool:
    """Whether a replay has suspended what was resumed then. What the backup knows to be suspended,
    two operators resume: too little is given then, and never too much."""
    if not _can_again(Act.RESUME, connection, entry):
        return False
    found = _declarations(connection)[entry.about[0]]
    written = happened_at(connection, declared.changed_by(connection, found))
    return written is not None and written != found.changed_at


def _step(act: Act, uow: UnitOfWork, entry: JournalEntry) -> None:
    step_again(uow, _declarations(uow.connection)[entry.about[0]], act, at=entry.at)


def _declarations(connection: Connection) -> dict[str, Declared]:
    """Every version, by the digest of its name."""
    found = (each for kind in DeclarationKind for each in declared.every(connection, kind))
    return {digest_of(each.name): each for each in found}


WORDS: Words = {
    Told.CONSENT_PAUSED: Word(_goes_on, _pause),
    Told.CONSENT_NARROWED: Word(_gives_more, _narrow),
    Told.CONSENT_WITHDRAWN: Word(_consent_stands, partial(_end, withdrawn=True)),
    Told.CONSENT_ENDED: Word(_consent_stands, partial(_end, withdrawn=False)),
    Told.DECLARATION_SUSPENDED: Word(partial(_can_again, Act.SUSPEND), partial(_step, Act.SUSPEND)),
    Told.DECLARATION_RETIRED: Word(partial(_can_again, Act.RETIRE), partial(_step, Act.RETIRE)),
    Told.DECLARATION_RESUMED: Word(_resumes, partial(_step, Act.RESUME)),
    Told.CLIENT_SUSPENDED: Word(_works_again, _to_client(suspend_client)),
    Told.CLIENT_KEYS_REPLACED: Word(_has_old_keys, _to_client(await_keys)),
}

"""One change of a consent: table, guarded row, event, record and dead tokens, or nothing of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from audit.journal_line import consent_over
from audit.unit_of_work import UnitOfWork
from consent.events import consent_event
from consent.lifecycle import Party, apply
from consent.model import LIVE, Command, Consent, ConsentRecord, Status
from consent.notices import tell_of_change
from consent.record import Presentation, RecordEvent, first_document, next_document
from consent.store import codes, consents, records, tokens
from policies.canonical import canonical_json
from policies.ids import EventId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LevelOfAssurance


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer settles: the consent with it filled in, and what its record says."""

    consent: Consent
    declaration: PurposeDeclaration
    party: Mapping[str, object]
    presentation: Presentation


@dataclass(frozen=True, slots=True)
class _Version:
    """A new record's bytes, and the digest of the one before."""

    document: bytes
    previous: str | None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.document).hexdigest()


def change(
    uow: UnitOfWork,
    consent: Consent,
    command: Command,
    *,
    party: Party,
    answer: Answer | None = None,
    loa: LevelOfAssurance | None = None,
) -> tuple[Consent, ConsentRecord | None]:
    """Apply the command to a locked consent and account for it.

    The record is None while nobody has answered. Raises the errors of `consent.lifecycle`.
    """
    before = consent if answer is None else answer.consent
    changed, kind = apply(before, command, party=party, now=uow.now)
    entity = changed.principal if party is Party.SUBJECT else party.value
    happened = RecordEvent(command=command, entity=entity, at=uow.now, loa=loa)
    version = _version(uow, consent, changed, happened, answer)
    event_id = uow.record(
        consent_event(
            uow,
            kind,
            changed,
            reason=command.reason,
            digest=None if version is None else version.digest,
        )
    )
    consents.change(uow.connection, was=consent, now=changed, event_id=event_id)
    if changed.version > 0 and changed.status is not Status.ACTIVE:
        # In the transaction that ends the consent, so that no token outlives it for a moment.
        codes.kill(uow.connection, consent.id, at=uow.now)
        tokens.revoke_of_consent(uow.connection, consent.id, at=uow.now)
    if _must_stay_ended(consent, changed, command):
        withdrawn = command is Command.WITHDRAW
        entry = consent_over(changed.id, withdrawn=withdrawn, at=uow.now)
        uow.tell_outside(entry, may_be_late=True)
    tell_of_change(uow, consent, changed, kind=kind, party=party, event_id=event_id)
    return changed, _keep(uow, changed, version, event_id)


def _must_stay_ended(was: Consent, now: Consent, command: Command) -> bool:
    """A restored backup must not bring it back to life. What time has ended, time ends again."""
    given = LIVE | {Status.PENDING_JOINT}
    return was.status in given and now.status not in given and command is not Command.REACH_END


def _version(
    uow: UnitOfWork, was: Consent, changed: Consent, happened: RecordEvent, answer: Answer | None
) -> _Version | None:
    if changed.version == was.version:
        return None
    if answer is not None:
        first = first_document(
            changed,
            declaration=answer.declaration,
            party=answer.party,
            presentation=answer.presentation,
            event=happened,
        )
        return _Version(canonical_json(first), None)
    before = records.find(uow.connection, was.id, was.version)
    if before is None:
        raise RuntimeError("a consent that was answered has no record")
    return _Version(canonical_json(next_document(before, changed, happened)), before.digest)


def _keep(
    uow: UnitOfWork, consent: Consent, version: _Version | None, event_id: EventId
) -> ConsentRecord | None:
    if version is None:
        return None
    record = ConsentRecord(
        consent=consent.id,
        version=consent.version,
        person=consent.person,
        status=consent.status,
        document=version.document,
        digest=version.digest,
        previous=version.previous,
        at=uow.now,
        event_id=event_id,
    )
    records.add(uow.connection, record)
    return record

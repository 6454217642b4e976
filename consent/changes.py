"""One change of a consent: table, guarded row, event, record and dead tokens, or nothing of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.unit_of_work import UnitOfWork
from consent.events import consent_event
from consent.grounds import Ground
from consent.journaling import told_outside
from consent.lifecycle import Party, apply
from consent.model import LIVE, Command, Consent, ConsentRecord, Status
from consent.notices import tell_of_change
from consent.record import (
    Presentation,
    RecordEvent,
    first_document,
    next_document,
    renewed_document,
)
from consent.store import codes, consents, records, tokens
from policies.canonical import canonical_json
from policies.ids import EventId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LevelOfAssurance


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer to a notice settles: the consent filled in, and what its record says."""

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
    to: Consent | None = None,
    ground: Ground | None = None,
    loa: LevelOfAssurance | None = None,
) -> tuple[Consent, ConsentRecord | None]:
    """Apply the command to a locked consent and account for it.

    What else the command changes is filled in already in `to`, or in the answer. The record is
    None while nobody has answered. Raises the errors of `consent.lifecycle`.
    """
    filled = to if answer is None else answer.consent
    changed, kind = apply(consent, command, party=party, now=uow.now, ground=ground, to=filled)
    entity = changed.principal if party is Party.SUBJECT else party.value
    happened = RecordEvent(command=command, entity=entity, at=uow.now, loa=loa, ground=ground)
    version = _version(uow, consent, changed, happened, answer)
    event_id = uow.record(
        consent_event(
            uow,
            kind,
            changed,
            reason=command.reason if ground is None else ground.value,
            digest=None if version is None else version.digest,
        )
    )
    consents.change(uow.connection, was=consent, now=changed, event_id=event_id)
    _end_handles(uow, consent, changed)
    line = told_outside(consent, changed, command, at=uow.now)
    if line is not None:
        uow.tell_outside(line, may_be_late=True)
    tell_of_change(uow, consent, changed, kind=kind, party=party, event_id=event_id)
    return changed, _keep(uow, changed, version, event_id)


def _end_handles(uow: UnitOfWork, was: Consent, now: Consent) -> None:
    """In the transaction that ends the consent, so that no token outlives it for a moment.

    One that is stopped for a while, or gives less from now on, keeps its refresh token: it opens
    nothing while the consent does not, and then no more than the consent does.
    """
    if now.version == 0:
        return
    goes_on = now.status in LIVE
    if now.status is not Status.ACTIVE or now.granted != was.granted:
        codes.kill(uow.connection, now.id, at=uow.now)
        tokens.revoke_of_consent(uow.connection, now.id, at=uow.now, refresh=not goes_on)


def _version(
    uow: UnitOfWork, was: Consent, changed: Consent, happened: RecordEvent, answer: Answer | None
) -> _Version | None:
    if changed.version == was.version:
        return None
    if was.version == 0:
        return _Version(canonical_json(_first(changed, happened, answer)), None)
    before = records.find(uow.connection, was.id, was.version)
    if before is None:
        raise RuntimeError("a consent that was answered has no record")
    document = (
        next_document(before, changed, happened)
        if answer is None
        else renewed_document(before, _first(changed, happened, answer))
    )
    return _Version(canonical_json(document), before.digest)


def _first(changed: Consent, happened: RecordEvent, answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        raise RuntimeError("the first record of a consent is an answer")
    return first_document(
        changed,
        declaration=answer.declaration,
        party=answer.party,
        presentation=answer.presentation,
        event=happened,
    )


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

"""Erasure: a person's data, whole or by data set, is gone from here and stays gone.

With everything go the person's keys, so that what was sealed under them opens nowhere, the rows
themselves, what leads to her from outside, her consents and the tokens about her. What tells of it
afterwards is random: an id and a time here, and the same in the journal outside the database, so
that a backup that comes back is erased again (`vault.replay`). Whoever has got something of it
hears that it is erased here (`vault.telling_erasure`).

Somebody who was erased and comes again is a new person: nothing is left by which we could know
her. For the same reason a source that sends data about her meanwhile finds nobody, and nothing is
kept: only she herself, by signing in, or an operator's import on a legal ground, makes a person.

The person's own log stays readable to its end (GDPR article 17(3)(b)); its keys are not these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection

from audit.journal_line import dataset_erased, person_erased
from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.ending import end_consents, end_tokens
from consent.lifecycle import Party
from policies.erasure import Held, WhyKept, choices, kept_by_law, why_kept
from policies.ids import (
    AttributeId,
    ConsentId,
    DatasetId,
    EventId,
    OrganisationId,
    PersonId,
    new_uuid,
)
from vault.envelope import SealError
from vault.holdings import describe
from vault.names import subjects_of
from vault.people import UnknownPersonError
from vault.resealing import reseal
from vault.store import erasures as store
from vault.store import names, unwanted
from vault.store.locks import lock_person
from vault.telling_erasure import tell_of_end, tell_of_erasure
from vault.vault import Vault


class Cause(StrEnum):
    """Why something is erased; the reason code of its event."""

    WISH = "own-wish"
    ORDER = "by-order"
    """Of an authority or a court: goes also where the person's own wish does not."""
    RESTORED = "erased-before"
    """A restored backup had brought it back."""


_ENDED_BY = {
    Cause.WISH: Party.SUBJECT,
    Cause.ORDER: Party.SUPERVISOR,
    Cause.RESTORED: Party.SYSTEM,
}


class KeptError(ValueError):
    """It cannot be erased at the person's wish; nothing was."""

    def __init__(self, why: WhyKept) -> None:
        super().__init__(why.value)
        self.why = why


class KeyNotRenewedError(SealError):
    """Something of the person does not open, so what is left could not be sealed anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One erasure to make: the same again has the same id."""

    cause: Cause
    erasure: UUID
    order: str | None = None
    """Reference of the order."""

    @classmethod
    def by_wish(cls) -> "Request":
        return cls(cause=Cause.WISH, erasure=new_uuid())

    @classmethod
    def by_order(cls, reference: str) -> "Request":
        return cls(cause=Cause.ORDER, erasure=new_uuid(), order=reference)

    @classmethod
    def again(cls, erasure: UUID) -> "Request":
        return cls(cause=Cause.RESTORED, erasure=erasure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased."""

    id: UUID
    person: PersonId
    cause: Cause
    whole: bool
    datasets: tuple[DatasetId, ...]
    ended: tuple[ConsentId, ...]
    told: tuple[OrganisationId, ...]
    """Who has got what is erased, and hears of it; without those of whom a law says nothing yet."""
    at: datetime
    event_id: EventId


def may_erase(
    connection: Connection, vault: Vault, person: PersonId
) -> Mapping[DatasetId, WhyKept | None]:
    """Every data set that is held, and why it cannot be erased alone, where it cannot."""
    return choices(vault.catalogue, _held(connection, person))


def erase_person(uow: UnitOfWork, vault: Vault, person: PersonId, request: Request) -> Erasure:
    """Erase everything about the person, with the keys of all of it.

    Raises UnknownPersonError, and KeptError when a law has us keep something; and the unit of work
    raises JournalError at its end: then nothing is erased.
    """
    turn_to(uow.connection, person)
    event_id = uow.record(_event(Kind.PERSON_ERASED, person, request))
    # Locked in this order everywhere: consents, then the person.
    ended = end_consents(uow, person, by=_ENDED_BY[request.cause])
    held = _lock(uow, person)
    if request.cause is Cause.WISH and kept_by_law(vault.catalogue, held):
        raise KeptError(WhyKept.BY_LAW)
    former = names.joined_to(uow.connection, person)
    known_by = subjects_of(uow.connection, person)
    end_tokens(uow, person)
    # Nothing goes out from here on, so whoever has got something is found.
    told = tell_of_end(uow, person, known_by, about=event_id)
    store.delete_person(uow.connection, person)
    for erasure, each in _each_erased(request, person, former):
        uow.tell_outside(person_erased(erasure, each, at=uow.now), may_be_late=False)
    datasets = tuple(choices(vault.catalogue, held))
    return _noted(
        uow, person, request, event_id, blinded=None, datasets=datasets, ended=ended, told=told
    )


def erase_dataset(
    uow: UnitOfWork, vault: Vault, person: PersonId, dataset: DatasetId, request: Request
) -> Erasure:
    """Erase one data set, and give what is left a new key: the old one opens old copies of it.

    What a source sends of it from now on is refused, until the person allows it again. Her consents
    stay, and give nothing of it. Raises as `erase_person` does, KeptError also where the data set
    bears the mark that protects her, and KeyNotRenewedError.
    """
    turn_to(uow.connection, person)
    held = _lock(uow, person)
    why = why_kept(vault.catalogue, held, dataset) if request.cause is Cause.WISH else None
    if why is not None:
        raise KeptError(why)
    of = vault.catalogue.dataset(dataset).attributes
    attributes = tuple(each for each in of if each in {one.attribute for one in held})
    event_id = uow.record(_event(Kind.DATA_ERASED, person, request, attributes))
    store.delete_parts(uow.connection, person, store.parts_of(uow.connection, person, dataset))
    renew_key(uow, vault, person)
    unwanted.add(uow.connection, person, dataset, now=uow.now, event_id=event_id)
    for erasure, each in _each_erased(request, person, names.joined_to(uow.connection, person)):
        blinded = blinded_dataset(vault, each, dataset)
        uow.tell_outside(dataset_erased(erasure, each, blinded, at=uow.now), may_be_late=False)
    blinded = blinded_dataset(vault, person, dataset)
    told = tell_of_erasure(uow, person, of, about=event_id)
    return _noted(uow, person, request, event_id, blinded=blinded, datasets=(dataset,), told=told)


def _each_erased(
    request: Request, person: PersonId, former: Sequence[PersonId]
) -> list[tuple[UUID, PersonId]]:
    """The person, and who was joined to her: a backup from before would bring those back too."""
    return [(request.erasure, person), *((new_uuid(), each) for each in former)]


def renew_key(uow: UnitOfWork, vault: Vault, person: PersonId) -> None:
    """Give the person a new key, however new hers is. Raises KeyNotRenewedError."""
    if reseal(uow, vault, [person], older_than=None).done != 1:
        raise KeyNotRenewedError


def blinded_dataset(vault: Vault, person: PersonId, dataset: DatasetId) -> bytes:
    """What stands for the data set where none may be named."""
    return vault.blind("vault/erased-dataset/1", person.bytes, dataset.encode())


def _noted(
    uow: UnitOfWork,
    person: PersonId,
    request: Request,
    event_id: EventId,
    *,
    blinded: bytes | None,
    datasets: tuple[DatasetId, ...],
    ended: tuple[ConsentId, ...] = (),
    told: tuple[OrganisationId, ...],
) -> Erasure:
    """Write down that it was made; `blinded` is the data set, None for everything."""
    store.add_erasure(
        uow.connection,
        person,
        erasure_id=request.erasure,
        blinded=blinded,
        now=uow.now,
        event_id=event_id,
    )
    return Erasure(
        id=request.erasure,
        person=person,
        cause=request.cause,
        whole=blinded is None,
        datasets=datasets,
        ended=ended,
        told=told,
        at=uow.now,
        event_id=event_id,
    )


def _lock(uow: UnitOfWork, person: PersonId) -> list[Held]:
    """What is held, once nobody else can change it. Raises UnknownPersonError."""
    if lock_person(uow.connection, person) is None:
        raise UnknownPersonError(person)
    return _held(uow.connection, person)


def _held(connection: Connection, person: PersonId) -> list[Held]:
    return [Held(each.attribute, each.labels) for each in describe(connection, person)]


def _event(
    kind: Kind, person: PersonId, request: Request, attributes: tuple[AttributeId, ...] = ()
) -> Event:
    return Event(
        kind=kind,
        subject=person,
        reason=request.cause,
        reference=str(request.erasure),
        case=request.order,
        attributes=attributes,
    )

"""Putting together everything that is held about one person.

First one unit of work: what the vault and the consents say, and the event, with the person locked;
so an erasure comes before all of it or after all of it. Then her log with its proofs, which is long
and keeps growing, is read without holding anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.event_document import event_document
from audit.event_proof import EventProof
from audit.merkle import ProofError
from audit.model import Actor, Entry
from audit.own_log import OwnEntry, own_entries
from audit.reader import own
from audit.seal import SealedEventError
from audit.tree import TreeDamagedError
from audit.unit_of_work import begin
from consent.decisions import decide_copy
from consent.model import Consent, ConsentRecord, Receipt
from consent.reading import consents_of, records_of
from consent.receipts import receipts_of
from policies.ids import PersonId
from policies.vocabulary import LevelOfAssurance, Role
from service.access import StepUpRequiredError
from service.roles import roles_of
from service.runtime import Runtime
from vault.holdings import describe
from vault.taking_out import TakenOut, take_out

PIECE = 500
MOST_PROOFS = 500
"""So many of the newest events bring their proof along, which costs 3 ms each; the others name
where it is."""


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent with all of its records and receipts."""

    consent: Consent
    records: tuple[ConsentRecord, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class LogLine:
    """An entry of her own log, and the proof of it where it has its place."""

    entry: OwnEntry
    proof: EventProof | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Everything about one person. Its event is committed."""

    person: PersonId
    made_at: datetime
    taken: TakenOut
    consents: tuple[GivenConsent, ...]
    roles: tuple[Role, ...]
    log: tuple[LogLine, ...]


def gather(
    runtime: Runtime,
    person: PersonId,
    *,
    actor: Actor,
    loa: LevelOfAssurance = LevelOfAssurance.HIGH,
    case: str | None = None,
) -> Copy:
    """Raises UnknownPersonError, and StepUpRequiredError where she signed in too weakly for a part
    of it: a copy with holes would look like everything."""
    now = runtime.now()
    with begin(runtime.ledger, actor=actor, now=now) as uow:
        held = {each.attribute for each in describe(uow.connection, person)}
        wanted = [each for each in runtime.catalogue.attributes if each in held]
        if any(loa < runtime.catalogue.dataset_of(each).min_loa for each in wanted):
            raise StepUpRequiredError
        taken = take_out(uow, runtime.vault, decide_copy(uow, person, wanted, case=case))
        consents = tuple(_consents(uow.connection, person))
        roles = tuple(sorted(roles_of(uow.connection, person)))
    return Copy(
        person=person,
        made_at=now,
        taken=taken,
        consents=consents,
        roles=roles,
        log=tuple(_log(runtime, person, now)),
    )


def _consents(connection: Connection, person: PersonId) -> Iterator[GivenConsent]:
    receipts = receipts_of(connection, person)
    for each in consents_of(connection, person):
        mine = tuple(one for one in reversed(receipts) if one.consent == each.id)
        yield GivenConsent(each, tuple(records_of(connection, each.id)), mine)


def _log(runtime: Runtime, person: PersonId, now: datetime) -> Iterator[LogLine]:
    before: int | None = None
    left = MOST_PROOFS
    while True:
        with runtime.ledger.read(person) as connection:
            found = own_entries(
                connection, runtime.ledger, person, now=now, before=before, limit=PIECE
            )
            for each in found:
                proof = _proof(connection, runtime, person, each) if left > 0 else None
                left -= proof is not None
                yield LogLine(each, proof)
        if len(found) < PIECE:
            return
        before = found[-1].number


def _proof(
    connection: Connection, runtime: Runtime, person: PersonId, entry: OwnEntry
) -> EventProof | None:
    """None while it waits for its place, and where the log is damaged: the page of the line says
    what is wrong."""
    if entry.index is None or not isinstance(entry, Entry):
        return None
    try:
        return event_document(connection, runtime.ledger, entry.event_id, may_open=own(person))
    except (SealedEventError, TreeDamagedError, ProofError):
        return None

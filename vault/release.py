"""The only way to open a record: with a permit, which only `consent.decisions` can make.

What is opened is looked up by the permit's attributes and given in their order, so there is no
path on which another attribute could come along. The event is written into the same unit of work:
values may leave the house once it has committed, and when it does not, nothing was released.
"""

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.decisions import Permit, PermitKind
from policies.catalogue import Catalogue, OrganisationKind
from policies.facts import Fact
from policies.ids import AttributeId, PersonId
from policies.vocabulary import Label, LegalBasis
from vault.envelope import Place, unseal
from vault.model import Released
from vault.payload import CONTENT_TYPE, decode
from vault.store import records as store
from vault.store.records import SealedRecord
from vault.vault import Vault

NOTHING_HELD = "nothing-held"
PROTECTED_WITHHELD = "protected-withheld"


def release(uow: UnitOfWork, vault: Vault, permit: Permit) -> Released:
    """Open what the permit permits and record it: `data.released`, for the person `data.viewed`.

    Raises PermitElsewhereError, and a SealError when a stored record does not open; in neither
    case is anything released.
    """
    permit.require(uow)
    wanted = tuple(dict.fromkeys(permit.attributes))
    turn_to(uow.connection, permit.person)
    rows = store.current_records(uow.connection, permit.person, wanted)
    opened = _open_all(vault, permit.person, rows)
    closed = _closed(permit, vault.catalogue, opened, rows)
    held = _best(opened)
    facts = tuple(held[id_] for id_ in wanted if id_ in held and id_ not in closed)
    withheld = tuple(id_ for id_ in wanted if id_ in closed)
    return Released(
        event_id=uow.record(_event(permit, facts, withheld)),
        facts=facts,
        not_held=tuple(id_ for id_ in wanted if id_ not in held),
        withheld=withheld,
    )


def _open_all(vault: Vault, person: PersonId, rows: list[SealedRecord]) -> list[Fact]:
    facts: list[Fact] = []
    for key in {row.key for row in rows}:
        with vault.person_key(person, key.version, key.wrapped) as plain_key:
            facts += [_open(vault, person, row, plain_key) for row in rows if row.key == key]
    return facts


def _open(vault: Vault, person: PersonId, row: SealedRecord, key: bytearray) -> Fact:
    place = Place(
        installation=vault.installation,
        person=person,
        dataset=row.dataset,
        record=row.record,
        version=row.version,
        field=row.attribute,
        key_version=row.key.version,
        content_type=CONTENT_TYPE,
    )
    return decode(row.attribute, unseal(key, place, row.sealed))


def _best(facts: list[Fact]) -> dict[AttributeId, Fact]:
    """The fact of highest authority for each attribute, of equal ones the newest."""
    ranked = sorted(facts, key=lambda fact: (fact.authority, fact.observed_at, fact.source))
    return {fact.attribute: fact for fact in ranked}


def _closed(
    permit: Permit, catalogue: Catalogue, facts: list[Fact], rows: list[SealedRecord]
) -> frozenset[AttributeId]:
    """Attributes that are not for this recipient.

    Those that any source marks: a second source without the mark is no way around it. And all
    that tells where to find a person who is marked anywhere: a register that has begun to keep
    her address back does not send the old one again with a mark.
    """
    if _sees_protected(permit, catalogue):
        return frozenset()
    marked = {fact.attribute for fact in facts if Label.PROTECTED in fact.labels}
    if marked or any(row.of_protected_person for row in rows):
        marked |= {fact.attribute for fact in facts if catalogue.attribute(fact.attribute).contact}
    return frozenset(marked)


def _sees_protected(permit: Permit, catalogue: Catalogue) -> bool:
    """The person herself, and an authority by law; nobody by a consent, which can be forced."""
    if permit.kind is PermitKind.SELF:
        return True
    if permit.basis is not LegalBasis.STATUTE or permit.organisation is None:
        return False
    return catalogue.organisation(permit.organisation).kind is OrganisationKind.AUTHORITY


def _event(permit: Permit, facts: tuple[Fact, ...], withheld: tuple[AttributeId, ...]) -> Event:
    own = permit.kind is PermitKind.SELF
    return Event(
        kind=Kind.DATA_VIEWED if own else Kind.DATA_RELEASED,
        subject=permit.person,
        organisation=permit.organisation,
        client=permit.client,
        consent=None if permit.consent is None else str(permit.consent),
        purpose=permit.purpose,
        basis=permit.basis,
        attributes=tuple(fact.attribute for fact in facts),
        reason=_reason(facts, withheld),
        case=permit.case,
        token=permit.token,
    )


def _reason(facts: tuple[Fact, ...], withheld: tuple[AttributeId, ...]) -> str | None:
    if withheld:
        return PROTECTED_WITHHELD
    return None if facts else NOTHING_HELD

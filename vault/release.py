"""The only way to open a record: with a permit, which only `consent.decisions` can make.

What is opened is looked up by the permit's attributes and given in their order, so there is no
path on which another attribute could come along. The event is written into the same unit of work:
values may leave the house once it has committed, and when it does not, nothing was released.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.decision_records import keep
from consent.decisions import Permit, PermitKind
from consent.joint import JOINTLY_RELEASED, OwnYes, needs_others, own_yes_of
from policies.catalogue import Catalogue, OrganisationKind
from policies.facts import Fact
from policies.ids import AttributeId, PersonId
from policies.vocabulary import Label, LegalBasis
from vault.model import Released
from vault.names import who_now
from vault.opening import open_records
from vault.store import records as store
from vault.store.records import SealedRecord
from vault.vault import Vault

NOTHING_HELD = "nothing-held"
PROTECTED_WITHHELD = "protected-withheld"
RESTRICTED_WITHHELD = "restricted-withheld"
JOINT_WITHHELD = "joint-withheld"
_BY_WEIGHT = (PROTECTED_WITHHELD, RESTRICTED_WITHHELD, JOINT_WITHHELD)


class CopyPermitError(RuntimeError):
    """A permit for the person's copy of everything opens that only (vault.taking_out)."""


def release(uow: UnitOfWork, vault: Vault, permit: Permit) -> Released:
    """Open what the permit permits and record it: `data.released`, for the person `data.viewed`.

    Raises PermitElsewhereError, CopyPermitError, and a SealError when a stored record does not
    open; in no case is anything released then.
    """
    permit.require(uow)
    if permit.kind is PermitKind.COPY:
        raise CopyPermitError
    wanted = tuple(dict.fromkeys(permit.attributes))
    turn_to(uow.connection, permit.person)
    rows = store.current_records(uow.connection, permit.person, wanted)
    opened = [fact for _, fact in open_records(vault, permit.person, rows)]
    opened = _as_people_are_now(uow, permit.person, opened)
    joint = _Joint.of(permit, opened)
    closed = {**joint.closed, **_closed(permit, vault.catalogue, opened, rows)}
    held = best(opened)
    facts = tuple(held[id_] for id_ in wanted if id_ in held and id_ not in closed)
    withheld = tuple(id_ for id_ in wanted if id_ in closed)
    event = _event(permit, facts, _reason(facts, [closed[id_] for id_ in withheld]))
    event_id = uow.record(event)
    keep(uow, permit.decisions, event_id)
    for each in joint.events(permit, facts):
        uow.record(each)
    return Released(
        event_id=event_id,
        facts=facts,
        not_held=tuple(id_ for id_ in wanted if id_ not in held),
        withheld=withheld,
    )


def best(facts: Iterable[Fact]) -> dict[AttributeId, Fact]:
    """The fact of highest authority for each attribute, of equal ones the newest.

    Where another source of the same rank says otherwise, it bears the mark of a disputed one: it
    is not for us to choose between them in silence.
    """
    ranked = sorted(facts, key=lambda fact: (fact.authority, fact.observed_at, fact.source))
    chosen = {fact.attribute: fact for fact in ranked}
    for fact in ranked:
        first = chosen[fact.attribute]
        if fact.authority == first.authority and fact.value != first.value:
            chosen[fact.attribute] = replace(first, labels=first.labels | {Label.DISPUTED})
    return chosen


def _as_people_are_now(uow: UnitOfWork, person: PersonId, facts: list[Fact]) -> list[Fact]:
    """The facts with the other people whom they are about as these are called now.

    One of them may have been joined to another, or to the person herself.
    """
    named = {each for fact in facts for each in fact.also_about}
    if not named:
        return facts
    now = who_now(uow.connection, named)
    return [
        replace(fact, also_about=frozenset(now[each] for each in fact.also_about) - {person})
        for fact in facts
    ]


@dataclass(frozen=True, slots=True)
class _Joint:
    """What the people beside the permit's person say to this release (consent.joint)."""

    yes: Mapping[PersonId, OwnYes]
    closed: Mapping[AttributeId, str]

    @classmethod
    def of(cls, permit: Permit, facts: list[Fact]) -> "_Joint":
        people = {person for fact in facts for person in fact.also_about}
        if not people or permit.kind is PermitKind.SELF or not needs_others(permit):
            return cls({}, {})
        yes = own_yes_of(permit, people)
        closed = {
            fact.attribute: JOINT_WITHHELD
            for fact in facts
            if not all(
                person in yes and fact.attribute in yes[person].granted
                for person in fact.also_about
            )
        }
        return cls(yes, closed)

    def events(self, permit: Permit, facts: tuple[Fact, ...]) -> Iterator[Event]:
        """What stands in the other people's logs: what about them has gone out."""
        if permit.kind is PermitKind.SELF:
            return
        for person in sorted({person for fact in facts for person in fact.also_about}):
            about = tuple(fact.attribute for fact in facts if person in fact.also_about)
            own = self.yes.get(person)
            yield Event(
                kind=Kind.DATA_RELEASED,
                subject=person,
                organisation=permit.organisation,
                client=permit.client,
                purpose=permit.purpose,
                basis=permit.basis,
                attributes=about,
                reason=JOINTLY_RELEASED,
                reference=None if own is None else str(own.consent),
                policy=permit.policy,
                visible_from=permit.visible_from,
            )


def _closed(
    permit: Permit, catalogue: Catalogue, facts: list[Fact], rows: list[SealedRecord]
) -> dict[AttributeId, str]:
    """Attributes that are not for this recipient, and why.

    Those that any source marks: a second source without the mark is no way around it. And all
    that tells where to find a person who is marked anywhere: a register that has begun to keep
    her address back does not send the old one again with a mark.
    """
    if _sees_marked(permit, catalogue):
        return {}
    restricted = {fact.attribute for fact in facts if Label.RESTRICTED in fact.labels}
    marked = {fact.attribute for fact in facts if Label.PROTECTED in fact.labels}
    if marked or any(row.of_protected_person for row in rows):
        marked |= {fact.attribute for fact in facts if catalogue.attribute(fact.attribute).contact}
    return dict.fromkeys(restricted, RESTRICTED_WITHHELD) | dict.fromkeys(
        marked, PROTECTED_WITHHELD
    )


def _sees_marked(permit: Permit, catalogue: Catalogue) -> bool:
    """The person herself, and an authority by law; nobody by a consent, which can be forced.

    What is restricted may be processed for reasons of important public interest (GDPR article
    18(2)): that is for the law to say, and the authority sees the mark.
    """
    if permit.kind is PermitKind.SELF:
        return True
    if permit.basis is not LegalBasis.STATUTE or permit.organisation is None:
        return False
    return catalogue.organisation(permit.organisation).kind is OrganisationKind.AUTHORITY


def _event(permit: Permit, facts: tuple[Fact, ...], reason: str | None) -> Event:
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
        reason=reason,
        case=permit.case,
        token=permit.token,
        policy=permit.policy,
        visible_from=permit.visible_from,
    )


def _reason(facts: tuple[Fact, ...], withheld: list[str]) -> str | None:
    """The weightiest of the reasons why something is kept back."""
    why = next((each for each in _BY_WEIGHT if each in withheld), None)
    return why or (None if facts else NOTHING_HELD)

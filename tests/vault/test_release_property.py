"""Over-delivery is impossible: for any content and any permit, on an engine each."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.model import SYSTEM
from audit.reader import entry
from audit.unit_of_work import Ledger, begin
from consent.decisions import Permit
from policies.catalogue import OrganisationKind, ValueType
from policies.facts import Fact, Value
from policies.ids import AttributeId, OrganisationId, SourceId
from policies.vocabulary import AuthorityRank, Label, LegalBasis
from tests.vault.given import EARLIER, NOW, catalogue, document, permit
from vault.deposits import deposit
from vault.people import enrol
from vault.release import release
from vault.vault import Vault

ATTRIBUTES = sorted(catalogue().attributes)
SOURCES = sorted(catalogue().sources)
ORGANISATIONS = sorted(catalogue().organisations)

_VALUES: dict[ValueType, st.SearchStrategy[Value]] = {
    ValueType.STRING: st.text("abcåäö", min_size=1, max_size=5),
    ValueType.INTEGER: st.integers(0, 999),
    ValueType.MONEY_CENTS: st.integers(0, 999),
    ValueType.BOOLEAN: st.booleans(),
    ValueType.DATE: st.dates().map(str),
    ValueType.INSTANT: st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z"),
    ValueType.STRINGS: st.lists(st.text("ab", min_size=1)).map(tuple),
}


@st.composite
def stated_facts(draw: st.DrawFn) -> Fact:
    attribute = draw(st.sampled_from(ATTRIBUTES))
    return Fact(
        attribute=attribute,
        value=draw(_VALUES[catalogue().attribute(attribute).type]),
        source=draw(st.sampled_from(SOURCES)),
        authority=draw(st.sampled_from(AuthorityRank)),
        observed_at=EARLIER + timedelta(hours=draw(st.integers(0, 3))),
        labels=draw(st.frozensets(st.sampled_from([Label.PROTECTED, Label.DISPUTED]))),
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    facts=st.lists(stated_facts(), max_size=12),
    others=st.lists(stated_facts(), max_size=4),
    wanted=st.lists(st.sampled_from(ATTRIBUTES), max_size=6),
    organisation=st.sampled_from(ORGANISATIONS),
    basis=st.sampled_from(LegalBasis),
)
def test_a_release_gives_the_current_values_of_the_permit_and_nothing_else(
    ledger: Ledger,
    vault: Vault,
    facts: list[Fact],
    others: list[Fact],
    wanted: list[AttributeId],
    organisation: OrganisationId,
    basis: LegalBasis,
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        # New people for each example, in one database.
        person = enrol(uow, vault, scheme="test", identifier=uuid4().hex)
        neighbour = enrol(uow, vault, scheme="test", identifier=uuid4().hex)
        for owner, stated in [(person, one) for one in facts] + [(neighbour, x) for x in others]:
            deposit(uow, vault, owner, document(stated))
        given_permit = permit(uow, person, wanted, organisation=organisation, basis=basis)
        got = release(uow, vault, given_permit)
        expected, withheld = oracle(facts, given_permit)
        assert list(got.facts) == expected
        assert set(got.withheld) == withheld
        assert {fact.attribute for fact in got.facts} | withheld | set(got.not_held) == set(wanted)
    with ledger.read() as connection:
        happened = entry(connection, ledger, got.event_id)
    assert happened is not None
    assert list(happened.many("attributes")) == [fact.attribute for fact in expected]


def oracle(facts: list[Fact], given_permit: Permit) -> tuple[list[Fact], set[AttributeId]]:
    """The rule told a second time, over plain lists, in the plainest way."""
    sees_protected = (
        given_permit.basis is LegalBasis.STATUTE
        and given_permit.organisation is not None
        and catalogue().organisation(given_permit.organisation).kind is OrganisationKind.AUTHORITY
    )
    expected, withheld = [], set()
    is_protected = any(
        Label.PROTECTED in fact.labels
        for attribute in ATTRIBUTES
        for fact in current_by_source([fact for fact in facts if fact.attribute == attribute])
    )
    for attribute in dict.fromkeys(given_permit.attributes):
        current = current_by_source([fact for fact in facts if fact.attribute == attribute])
        if not current:
            continue
        marked = any(Label.PROTECTED in fact.labels for fact in current)
        tells_where = catalogue().attribute(attribute).contact
        if not sees_protected and (marked or (is_protected and tells_where)):
            withheld.add(attribute)
        else:
            expected.append(chosen(current))
    return expected, withheld


def chosen(current: list[Fact]) -> Fact:
    """The best one; marked where another of the same rank says otherwise."""
    best = max(current, key=rank)
    equals = [fact for fact in current if fact.authority == best.authority]
    differ = any(fact.value != best.value for fact in equals)
    return replace(best, labels=best.labels | {Label.DISPUTED}) if differ else best


def current_by_source(facts: list[Fact]) -> list[Fact]:
    current: dict[SourceId, Fact] = {}
    for fact in facts:
        before = current.get(fact.source)
        if before is None or rank(fact) >= rank(before):
            labels = fact.labels | catalogue().attribute(fact.attribute).labels
            current[fact.source] = replace(fact, labels=labels)
    return list(current.values())


def rank(fact: Fact) -> tuple[object, ...]:
    return fact.authority, fact.observed_at, fact.source

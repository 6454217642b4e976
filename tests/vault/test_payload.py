"""Inside the seal: a frozen form, and every fact comes back as it went in."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from policies.facts import Evidence, Fact, Value
from policies.ids import AttributeId, PersonId, SourceId
from policies.vocabulary import AuthorityRank, Label
from vault.payload import decode, encode

FACT = Fact(
    attribute=AttributeId("person.mother_tongue"),
    value="åländsk 😀",
    source=SourceId("vtj"),
    authority=AuthorityRank.AUTHORITY_COPY,
    observed_at=datetime(2026, 11, 1, 12, 30, 15, 250, tzinfo=UTC),
    valid_to=date(2027, 1, 31),
    labels=frozenset({Label.PROTECTED, Label.ARTICLE_9}),
)

values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.booleans(),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=9).map(tuple),
)
facts = st.builds(
    Fact,
    attribute=st.just(FACT.attribute),
    value=values,
    source=st.just(FACT.source),
    authority=st.sampled_from(AuthorityRank),
    observed_at=st.datetimes(timezones=st.just(UTC)),
    valid_to=st.none() | st.dates(),
    labels=st.frozensets(st.sampled_from(Label)),
    also_about=st.frozensets(st.uuids().map(PersonId), max_size=3),
    evidence=st.none()
    | st.builds(
        Evidence,
        st.binary(min_size=32, max_size=32),
        st.none() | st.just("a..b"),
        names_others=st.booleans(),
    ),
)


def test_the_form_is_frozen() -> None:
    assert (
        encode(FACT)
        == (
            '{"authority":3,"labels":["art9","protected"],'
            '"observed_at":"2026-11-01T12:30:15.000250+00:00","source":"vtj",'
            '"valid_to":"2027-01-31","value":"åländsk 😀"}'
        ).encode()
    )


def test_what_is_said_later_has_a_frozen_form_too() -> None:
    two = frozenset({PersonId(UUID(int=2)), PersonId(UUID(int=1))})
    more = replace(FACT, also_about=two, evidence=Evidence(bytes(range(32)), "head..signature"))
    assert encode(more) == encode(FACT).replace(
        b'"authority":3,',
        b'"also_about":["00000000-0000-0000-0000-000000000001",'
        b'"00000000-0000-0000-0000-000000000002"],"authority":3,'
        b'"evidence":{"digest":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",'
        b'"signature":"head..signature"},',
    )


def test_that_a_document_names_others_is_said_only_where_it_does() -> None:
    alone, with_others = (
        encode(replace(FACT, evidence=Evidence(bytes(32), names_others=named)))
        for named in (False, True)
    )
    told = b'"names_others":true,"signature":null'
    assert with_others == alone.replace(b'"signature":null', told)


def test_what_was_sealed_before_there_was_evidence_has_none() -> None:
    old = decode(FACT.attribute, encode(FACT))
    assert (old.evidence, old.also_about) == (None, frozenset())


def test_neither_part_of_the_evidence_is_shown() -> None:
    assert repr(Evidence(bytes(32), "secret")) == "Evidence()"


@given(fact=facts)
def test_every_fact_comes_back(fact: Fact) -> None:
    back = decode(fact.attribute, encode(fact))
    assert (back, back.evidence) == (fact, fact.evidence)
    assert type(back.value) is type(fact.value)


@given(value=values)
def test_a_fact_never_shows_its_value(value: Value) -> None:
    assert "value" not in repr(decode(FACT.attribute, encode(replace(FACT, value=value))))

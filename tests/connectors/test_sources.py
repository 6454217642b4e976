"""Every source by one door: what is refused, where and why; and that nothing else happens."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.demo_data.people import DemoPerson, demo_documents, demo_people
from connectors.documents import LARGEST, MalformedDocumentError
from connectors.sources import SOURCES, parse
from policies.catalogue import load_catalogue
from policies.facts import Document
from policies.ids import SourceId
from policies.vocabulary import Label
from tests.connectors.examples import HERE, REAL_DATA, RECEIVED, SMALL, SUBJECT, small

MALFORMED = HERE / "malformed"
EXPECTED: dict[str, tuple[str, str]] = {
    name: (place, reason)
    for name, (place, reason) in json.loads((MALFORMED / "expected.json").read_bytes()).items()
}
CITIZENS = [person for person in demo_people() if demo_documents(person)]
SEEDS = [(source, path.read_bytes()) for source, path in SMALL.items()]


def parsed(source: SourceId, document: bytes) -> tuple[Document, ...]:
    return parse(source, document, subject=SUBJECT, received_at=RECEIVED)


def test_every_malformed_document_is_expected() -> None:
    stored = {str(path.relative_to(MALFORMED)) for path in MALFORMED.glob("*/*") if path.is_file()}
    assert stored == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_malformed_document_is_refused_with_place_and_reason(name: str) -> None:
    source = SourceId(Path(name).parent.name)
    with pytest.raises(MalformedDocumentError) as refusal:
        parsed(source, (MALFORMED / name).read_bytes())
    place, reason = EXPECTED[name]
    assert (refusal.value.place, refusal.value.reason) == (place, reason)
    assert refusal.value.source == source


@pytest.mark.parametrize("name", EXPECTED)
def test_a_refusal_quotes_nothing_of_the_document(name: str) -> None:
    with pytest.raises(MalformedDocumentError) as refusal:
        parsed(SourceId(Path(name).parent.name), (MALFORMED / name).read_bytes())
    told = f"{refusal.value}{refusal.value!r}{refusal.value.__cause__}"
    for value in (SUBJECT, "010190-999X", "070770-905D", "Testi", "Esimerkki Oy", "KEISARI"):
        assert value not in told
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("source", SOURCES)
def test_the_smallest_right_document_of_each_source_is_read(source: SourceId) -> None:
    assert parsed(source, SMALL[source].read_bytes())


@pytest.mark.parametrize("source", SOURCES)
def test_a_document_that_is_too_large_is_refused_unread(source: SourceId) -> None:
    with pytest.raises(MalformedDocumentError, match="is larger than"):
        parsed(source, b" " * (LARGEST + 1))


def test_a_source_without_a_connector_is_refused() -> None:
    with pytest.raises(MalformedDocumentError, match="without a connector"):
        parsed(SourceId("horoscope"), b"{}")


def test_a_time_in_the_future_is_refused() -> None:
    document = SMALL[SourceId("prh")].read_bytes()
    early = RECEIVED - timedelta(days=365)
    with pytest.raises(MalformedDocumentError, match="states a time in the future"):
        parse(SourceId("prh"), document, subject=SUBJECT, received_at=early)


@pytest.mark.parametrize("person", CITIZENS, ids=lambda person: person.key)
def test_documents_of_the_demo_fill_the_catalogue(person: DemoPerson) -> None:
    catalogue = load_catalogue()
    for source, document in demo_documents(person):
        for made in parse(source, document, subject=person.identity_code, received_at=RECEIVED):
            dataset = catalogue.dataset(made.dataset)
            assert {fact.attribute for fact in made.facts} <= set(dataset.attributes)
            assert dataset.source == made.source == source
            for fact in made.facts:
                assert catalogue.attribute(fact.attribute).labels <= fact.labels


def test_the_demo_fills_every_attribute_of_the_catalogue_for_somebody() -> None:
    found = {
        fact.attribute
        for person in CITIZENS
        for source, document in demo_documents(person)
        for made in parse(source, document, subject=person.identity_code, received_at=RECEIVED)
        for fact in made.facts
    }
    catalogue = load_catalogue()
    assert found == {
        attribute for dataset in catalogue.datasets.values() for attribute in dataset.attributes
    }


@pytest.mark.parametrize("person", CITIZENS, ids=lambda person: person.key)
def test_the_demo_does_not_depend_on_the_clock_of_the_machine(person: DemoPerson) -> None:
    for source, document in demo_documents(person):
        # A source takes no document from the future, so a clock may be a month or more behind.
        found = parse(
            source,
            document,
            subject=person.identity_code,
            received_at=datetime(2026, 10, 1, tzinfo=UTC),
        )
        assert found


@pytest.mark.parametrize("person", CITIZENS, ids=lambda person: person.key)
def test_nobody_gets_the_documents_of_another(person: DemoPerson) -> None:
    for source, document in demo_documents(person):
        if source == "prh":  # company data name nobody
            continue
        with pytest.raises(MalformedDocumentError, match="is about another person"):
            parse(source, document, subject=SUBJECT, received_at=RECEIVED)


def test_what_is_said_of_where_a_protected_person_lives_is_labelled() -> None:
    ville = next(person for person in CITIZENS if person.protected)
    documents = dict(demo_documents(ville))
    person, residence = parse(
        SourceId("vtj"),
        documents[SourceId("vtj")],
        subject=ville.identity_code,
        received_at=RECEIVED,
    )
    assert all(Label.PROTECTED in fact.labels for fact in residence.facts)
    labelled = {fact.attribute for fact in person.facts if Label.PROTECTED in fact.labels}
    assert labelled == {"person.home_municipality"}


def _read_or_refuse(source: SourceId, document: bytes) -> None:
    with contextlib.suppress(MalformedDocumentError):
        made = parsed(source, document)
        assert all(fact.value is not None for one in made for fact in one.facts)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_changed_bytes_are_read_or_refused(
    seed: tuple[SourceId, bytes], data: st.DataObject
) -> None:
    source, document = seed
    changed = bytearray(document)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        end = at + data.draw(st.integers(0, 12))
        changed[at:end] = data.draw(st.binary(max_size=12))
        if not changed:
            break
    _read_or_refuse(source, bytes(changed))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["vtj", "koski", "prh", "kanta"]), st.randoms(use_true_random=False), JSON)
def test_any_value_in_any_place_is_read_or_refused(
    source: str, chance: Random, value: object
) -> None:
    document = _replaced(small(source), chance, value)
    _read_or_refuse(SourceId(source), json.dumps(document).encode())


def _replaced(node: object, chance: Random, value: object) -> object:
    """The document with one node, chosen by chance, replaced."""
    if not isinstance(node, dict | list) or not node or chance.random() < 0.15:
        return value
    key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
    changed = dict(node) if isinstance(node, dict) else dict(enumerate(node))
    changed[key] = _replaced(changed[key], chance, value)
    return changed if isinstance(node, dict) else list(changed.values())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SOURCES), st.binary(max_size=200))
def test_noise_is_refused(source: SourceId, noise: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        parsed(source, noise)


@pytest.mark.parametrize(
    "path", sorted(REAL_DATA.glob("*/*.json")), ids=lambda path: path.stem[:30]
)
@pytest.mark.parametrize("source", SOURCES)
def test_a_genuine_document_of_any_source_is_read_or_refused(source: SourceId, path: Path) -> None:
    _read_or_refuse(source, path.read_bytes())

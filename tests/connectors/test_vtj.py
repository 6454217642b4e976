"""The population register's basic data; the genuine documents are about official test persons."""

from typing import Any

import pytest

from connectors import vtj
from connectors.documents import MalformedDocumentError
from policies.vocabulary import AuthorityRank, Label
from tests.connectors.examples import REAL_DATA, RECEIVED, SUBJECT, as_bytes, small, values

GENUINE = REAL_DATA / "vtj"


def groups(document: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["perustiedot"][0]["tietoryhmat"]
    return found


def test_a_genuine_protected_person_has_no_address_and_a_labelled_municipality() -> None:
    document = (GENUINE / "perustietoTurvakielto.json").read_bytes()
    (person,) = vtj.parse(document, received_at=RECEIVED)
    assert values(person) == {
        "person.given_names": "Mathilda Helena Sophie",
        "person.family_name": "Aslan Tes",
        "person.birth_date": "1958-01-30",
        "person.mother_tongue": "suomi",
        "person.home_municipality": "Helsinki",
    }
    (municipality,) = (
        fact for fact in person.facts if fact.attribute == "person.home_municipality"
    )
    assert municipality.labels == {Label.PROTECTED}


@pytest.mark.parametrize("name", ["muutostietoAidinkieli", "muutostietoTurvakieltoKunnastaMuutto"])
def test_genuine_changes_are_not_taken_for_basic_data(name: str) -> None:
    with pytest.raises(MalformedDocumentError, match="is a change and not basic data"):
        vtj.parse((GENUINE / f"{name}.json").read_bytes(), received_at=RECEIVED)


def test_a_genuine_answer_without_a_name_is_refused() -> None:
    with pytest.raises(MalformedDocumentError, match="has no group HENKILON_NIMI"):
        vtj.parse((GENUINE / "perustietoHetuKorjaus.json").read_bytes(), received_at=RECEIVED)


def test_each_fact_says_where_it_is_from_and_when_it_was_seen() -> None:
    document = as_bytes(small("vtj"))
    for made in vtj.parse(document, received_at=RECEIVED, subject=SUBJECT):
        assert len(made.digest) == 32
        for fact in made.facts:
            assert fact.source == vtj.SOURCE
            assert fact.authority is AuthorityRank.AUTHORITATIVE_REGISTER
            assert fact.observed_at == RECEIVED
            assert fact.labels == frozenset()


def test_the_address_is_written_as_on_an_envelope() -> None:
    document = small("vtj")
    groups(document)[3].update(
        katunumero="6a-6b", huoneistokirjain="A", huoneistonumero="002", jakokirjain="a"
    )
    _, residence = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert values(residence)["residence.street_address"] == "Keksitynkatu 6a-6b A 2a"


def test_a_swedish_name_stands_in_where_there_is_no_finnish_one() -> None:
    document = small("vtj")
    groups(document)[3]["katunimi"] = {"sv": "Påhittsgatan"}
    _, residence = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert values(residence)["residence.street_address"] == "Påhittsgatan 1"


def test_an_address_that_has_ended_is_not_the_address() -> None:
    document = small("vtj")
    groups(document)[3]["loppupv"] = {"arvo": "2020-01-01", "tarkkuus": "PAIVA"}
    _, residence = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert set(values(residence)) == {"residence.household_size"}


def test_without_address_and_household_there_is_no_second_document() -> None:
    document = small("vtj")
    document["perustiedot"][0]["tietoryhmat"] = groups(document)[:3]
    (person,) = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert person.dataset == "person"


def test_protection_labels_an_address_that_comes_all_the_same() -> None:
    document = small("vtj")
    groups(document)[2]["turvakieltoAktiivinen"] = True
    _, residence = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert all(fact.labels == {Label.PROTECTED} for fact in residence.facts)


def test_what_is_withheld_protects_even_without_the_group_that_says_so() -> None:
    document = small("vtj")
    del groups(document)[2]
    groups(document)[2] = {
        "tietoryhma": "VAKINAINEN_KOTIMAINEN_OSOITE",
        "turvakiellonAlaisetKentat": ["VAKINAINEN_KOTIMAINEN_OSOITE"],
    }
    _, residence = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert set(values(residence)) == {"residence.household_size"}
    assert all(fact.labels == {Label.PROTECTED} for fact in residence.facts)


def test_a_year_of_birth_is_no_date_of_birth() -> None:
    document = small("vtj")
    groups(document)[1]["syntymapv"] = {"arvo": "1990", "tarkkuus": "VUOSI"}
    person, _ = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert "person.birth_date" not in values(person)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"kielikoodi": "98", "nimi": "suomalainen viittomakieli"}, "suomalainen viittomakieli"),
        ({"kielikoodi": "se"}, "pohjoissaame"),
        ({"kielikoodi": "xx"}, "xx"),
    ],
)
def test_the_mother_tongue_has_a_name_or_its_code(group: dict[str, str], expected: str) -> None:
    document = small("vtj")
    groups(document).append({"tietoryhma": "AIDINKIELI", **group})
    person, _ = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert values(person)["person.mother_tongue"] == expected


def test_a_municipality_without_a_name_keeps_its_code() -> None:
    document = small("vtj")
    groups(document).append({"tietoryhma": "KOTIKUNTA", "kuntakoodi": "999"})
    person, _ = vtj.parse(as_bytes(document), received_at=RECEIVED)
    assert values(person)["person.home_municipality"] == "999"

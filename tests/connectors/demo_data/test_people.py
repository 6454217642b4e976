"""The invented people cannot be anybody."""

import pytest

from connectors.demo_data.people import DemoPerson, demo_documents, demo_people, demo_person
from policies.identity_code import parse_identity_code
from policies.vocabulary import Role


def test_there_are_four_citizens_an_auditor_and_an_operator() -> None:
    roles = [role for person in demo_people() for role in person.roles]
    assert sorted(roles) == [Role.AUDITOR, *[Role.CITIZEN] * 4, Role.OPERATOR]
    assert len({person.key for person in demo_people()}) == 6


@pytest.mark.parametrize("person", demo_people(), ids=lambda person: person.key)
def test_every_identity_code_is_valid_and_artificial(person: DemoPerson) -> None:
    assert parse_identity_code(person.identity_code).is_artificial


def test_a_person_does_not_show_the_identity_code() -> None:
    assert all(person.identity_code not in repr(person) for person in demo_people())


def test_one_person_is_protected() -> None:
    assert [person.key for person in demo_people() if person.protected] == ["ville"]


def test_a_person_is_found_by_key() -> None:
    assert demo_person("aino").name == "Aino Maria Esimerkki"
    with pytest.raises(KeyError):
        demo_person("nobody")


def test_citizens_have_documents_and_staff_has_none() -> None:
    for person in demo_people():
        sources = {source for source, _ in demo_documents(person)}
        assert ("vtj" in sources) == (Role.CITIZEN in person.roles)


def test_documents_name_no_place_and_no_address_that_could_be_real() -> None:
    for person in demo_people():
        for source, document in demo_documents(person):
            text = document.decode()
            if source == "vtj":
                assert '"postinumero": "00000"' in text
            for other in demo_people():
                assert (other.identity_code in text) <= (other == person)

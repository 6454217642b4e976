"""Pseudonyms of people: the same at every look, readable here only, and in one spelling."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.ids import PersonId
from service.pseudonyms import Pseudonyms, UnknownPseudonymError

KEY = bytes(range(32))
AINO = PersonId(UUID("0f8c2f2e-6c1b-4a44-9f0a-000000000001"))


@given(st.uuids())
def test_a_pseudonym_leads_back_to_its_person_only(person: UUID) -> None:
    made = Pseudonyms(KEY).of(PersonId(person))
    assert made == Pseudonyms(KEY).of(PersonId(person))
    assert Pseudonyms(KEY).person(made) == person
    assert person.hex not in made


def test_a_pseudonym_of_this_key_never_changes() -> None:
    made = Pseudonyms(KEY).of(AINO)
    assert made == "p-3ezlatp3cyexvqqwf4h3nrrwipjaqdicpbveo7cymw3z5e2mrmzq"


def test_of_another_installation_it_is_another_one() -> None:
    there = Pseudonyms(bytes(32))
    assert there.of(AINO) != Pseudonyms(KEY).of(AINO)
    with pytest.raises(UnknownPseudonymError):
        there.person(Pseudonyms(KEY).of(AINO))


@given(st.integers(2, 53), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_character_is_no_pseudonym(place: int, character: str) -> None:
    made = Pseudonyms(KEY).of(AINO)
    changed = made[:place] + character + made[place + 1 :]
    if changed != made:
        with pytest.raises(UnknownPseudonymError):
            Pseudonyms(KEY).person(changed)


@pytest.mark.parametrize(
    "text", ["", "p-", "010199-9012", str(AINO), "P-" + "A" * 52, "p-" + "=" * 52]
)
def test_what_has_not_its_form_is_no_pseudonym(text: str) -> None:
    with pytest.raises(UnknownPseudonymError):
        Pseudonyms(KEY).person(text)


def test_the_key_is_not_shown() -> None:
    assert KEY.hex() not in repr(Pseudonyms(KEY))

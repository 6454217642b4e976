"""Which rights follow from which ground."""

import pytest

from policies.legal_grounds import Right, rights_of
from policies.vocabulary import LegalBasis


@pytest.mark.parametrize("basis", LegalBasis)
def test_seeing_correcting_restricting_and_complaining_follow_from_every_ground(
    basis: LegalBasis,
) -> None:
    always = {Right.ACCESS, Right.RECTIFY, Right.RESTRICT, Right.COMPLAIN}
    assert always <= set(rights_of(basis))
    assert rights_of(basis) == tuple(sorted(rights_of(basis), key=_article))


def _article(right: Right) -> int:
    return int(right.partition("-")[0])


@pytest.mark.parametrize("basis", LegalBasis)
def test_only_consent_is_withdrawn(basis: LegalBasis) -> None:
    assert (Right.WITHDRAW in rights_of(basis)) is (basis is LegalBasis.CONSENT)


@pytest.mark.parametrize("basis", LegalBasis)
def test_data_is_taken_along_where_it_was_given_by_consent_or_contract(basis: LegalBasis) -> None:
    taken = basis in {LegalBasis.CONSENT, LegalBasis.CONTRACT}
    assert (Right.TAKE_ALONG in rights_of(basis)) is taken


def test_what_the_law_decides_is_objected_to_and_not_erased_at_a_wish() -> None:
    by_law = rights_of(LegalBasis.STATUTE)
    assert Right.OBJECT in by_law
    assert not {Right.ERASE, Right.TAKE_ALONG, Right.WITHDRAW} & set(by_law)


@pytest.mark.parametrize("basis", LegalBasis)
def test_where_a_program_decides_a_person_may_be_asked_for(basis: LegalBasis) -> None:
    more = set(rights_of(basis, automated=True)) - set(rights_of(basis))
    assert more == {Right.HUMAN_DECISION}

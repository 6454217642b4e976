"""The address in a problem's `type` leads to an explanation in the reader's language."""

import pytest
from starlette.testclient import TestClient

from policies.vocabulary import Language
from service.i18n import texts
from service.problem_types import TO_PROGRAMS, TYPES
from tests.service.house import House, words_of


@pytest.fixture
def reader(house: House) -> TestClient:
    return house.visitor()


def test_the_type_that_a_program_was_answered_leads_to_its_page(reader: TestClient) -> None:
    answered = reader.get("/api/v1/data/income").json()
    there = reader.get(answered["type"], headers={"Accept-Language": "sv-FI"})
    assert (there.status_code, there.headers["location"]) == (
        303,
        "/sv/problems/token-not-valid",
    )
    page = reader.get(there.headers["location"])
    assert page.status_code == 200
    assert page.headers["content-language"] == "sv"
    assert "token-not-valid" in words_of(page.text)


@pytest.mark.parametrize("language", list(Language))
def test_every_type_is_explained_in_every_language(reader: TestClient, language: Language) -> None:
    words = texts(language)
    for problem in TYPES.values():
        page = reader.get(f"/{language}/problems/{problem.type}")
        assert page.status_code == 200, problem.type
        told = words_of(page.text)
        assert words.gettext(problem.title) in told.replace("&#39;", "'")
        assert f"HTTP {problem.status}" in told


def test_what_programs_meet_has_words_of_its_own() -> None:
    assert TO_PROGRAMS.keys() <= TYPES.keys()
    assert {"token-not-valid", "not-permitted", "no-such-dataset", "not-in-log"} <= set(TO_PROGRAMS)


@pytest.mark.parametrize("path", ["/problems/none", "/fi/problems/none", "/problems/%2Fevil"])
def test_a_type_that_we_never_answer_is_not_found(reader: TestClient, path: str) -> None:
    assert reader.get(path).status_code == 404

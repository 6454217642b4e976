"""The agencies' page: where a person lands after her answer, and what it does not believe."""

import json
from urllib.parse import urlencode

import httpx2
import pytest

from tests.running import RunningDemo
from tests.visitor import Page, Visitor


def _answered(demo: RunningDemo, visitor: Visitor, person: str, decision: str) -> Page:
    """Sign in through the provider's page, answer a waiting request, follow the link back."""
    visitor.open(visitor.open(demo.page("sign-in")).link(f"person={person}"))
    waiting = visitor.open(demo.page("requests"))
    page = visitor.open(waiting.link("/requests/"))
    receipt = visitor.send(page, page.form("/requests/"), button=decision)
    return visitor.open(receipt.link("/oauth/return/"))


def test_the_agency_shows_what_was_given_until_it_is_taken_back(demo: RunningDemo) -> None:
    with Visitor() as aino:
        page = _answered(demo, aino, "aino", "give")
        assert page.status == 200
        assert "company.business_id" in page.text
        assert "company.legal_form" not in page.text  # was not ticked
        consents = aino.open(demo.page("consents"))
        taken = next(form for form in consents.forms if "/withdraw" in form.action)
        aino.send(consents, taken)
        again = aino.open(page.link("/fetched/"))
        assert again.status == 403
        assert "The vault refused" in again.text
        assert aino.open(again.link("/en/log")).status == 200


def test_the_agency_is_told_of_a_refusal_and_goes_on(demo: RunningDemo) -> None:
    with Visitor() as ville:
        page = _answered(demo, ville, "ville", "refuse")
        assert (page.status, page.title) == (200, "You did not give your data")
        assert ville.open(page.link("/en/log")).status == 200


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"state": "kela.made-up", "code": "c", "iss": "https://elsewhere.example"},
        {"state": "nobody.made-up", "code": "c"},
    ],
)
def test_an_answer_that_is_not_the_vaults_is_refused(
    demo: RunningDemo, query: dict[str, str]
) -> None:
    assert _callback(demo, query).status_code == 400


def test_a_code_that_was_made_up_is_refused_by_the_vault(demo: RunningDemo) -> None:
    answer = _callback(demo, {"state": "kela.made-up", "code": "c" * 43, "iss": demo.base_url})
    assert answer.status_code == 403
    assert "HTTP 400" in answer.text


def test_a_page_without_a_token_is_not_there(demo: RunningDemo) -> None:
    assert httpx2.get(f"{_agency_address(demo)}/fetched/nothing").status_code == 404


def _callback(demo: RunningDemo, query: dict[str, str]) -> httpx2.Response:
    return httpx2.get(f"{_agency_address(demo)}/callback?{urlencode(query)}", timeout=20)


def _agency_address(demo: RunningDemo) -> str:
    address: str = json.loads((demo.folder / "agencies" / "kela.json").read_text())["page"]
    return address

"""The operator's pages of declarations, and what two operators decide."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from audit.model import Kind
from policies.ids import PurposeId
from service.proposal import LIFETIME
from tests.consent.flow import events
from tests.service.house import House, form_of, words_of
from tests.service.office import DETAILS, Office, content
from tests.service.operator.desks import (
    ADVICE,
    NEWER,
    PAGES,
    STRICTER,
    operators,
    press,
    text_of,
)

ONE = f"{PAGES}/purpose/debt-advice/1"
ACTS = "/en/operator/acts"


def drafted(browser: TestClient, declaration: object = NEWER, kind: str = "purpose") -> str:
    page = f"{PAGES}/new?kind={kind}"
    return press(browser, page, f"{PAGES}/new", document=text_of(declaration))


def approved(one: TestClient, other: TestClient, page: str) -> str:
    press(one, page, f"{page}/submit")
    return press(other, page, f"{page}/approve")


def test_drafted_submitted_approved_by_another_and_asked_for(
    each_house: House, each_office: Office
) -> None:
    by_phone = replace(ADVICE, id=PurposeId("advice-by-phone"))
    details = json.dumps([DETAILS | {"purpose": by_phone.id}])
    one, other = operators(each_house)
    page = drafted(one, by_phone)
    press(one, page, f"{page}/submit")
    assert f"{page}/approve" not in one.get(page).text
    assert "Another operator must approve it" in words_of(one.get(page).text)
    refused = each_office.push(authorization_details=details)
    assert (refused.status, content(refused)["error"]) == (400, "invalid_authorization_details")
    press(other, page, f"{page}/approve")
    assert each_office.push(authorization_details=details).status == 201
    approved = events(each_house.runtime.ledger, Kind.DECLARATION_APPROVED)
    submitted = events(each_house.runtime.ledger, Kind.DECLARATION_SUBMITTED)
    assert approved[-1].get("actor") != submitted[-1].get("actor")


def test_a_newer_version_takes_the_place_of_the_older(house: House) -> None:
    one, other = operators(house)
    approved(one, other, drafted(one))
    shown = words_of(other.get(PAGES).text)
    assert "Active Esimerkkilä Financial and Debt Counselling. Version 2" in shown
    assert "No longer in force Esimerkkilä Financial and Debt Counselling. Version 1" in shown


def test_a_source_becomes_stricter(house: House) -> None:
    one, other = operators(house)
    page = drafted(one, STRICTER, "service")
    assert words_of(one.get(page).text).count("30 days") == 1
    approved(one, other, page)
    assert "No longer in force" in words_of(one.get(f"{PAGES}/service/income/1").text)


def test_a_draft_is_changed_and_sent_back(house: House) -> None:
    one, other = operators(house)
    page = drafted(one)
    changed = text_of(NEWER).replace("A year.", "Two years.")
    press(one, page, f"{page}/edit", document=changed)
    assert "Two years." in one.get(page).text
    press(one, page, f"{page}/submit")
    press(other, page, f"{page}/send-back")
    assert f"{page}/edit" in one.get(page).text


@pytest.mark.parametrize("act", ["submit", "approve", "edit"])
def test_what_another_changed_meanwhile_is_looked_at_once_more(house: House, act: str) -> None:
    one, other = operators(house)
    page = drafted(one)
    if act == "approve":
        press(one, page, f"{page}/submit")
    form = form_of(other.get(page).text, f"{page}/{act}")
    if act == "approve":
        press(one, page, f"{page}/send-back")
    changed = text_of(NEWER).replace("A year.", "Two years.")
    press(one, page, f"{page}/edit", document=changed)
    if act == "approve":
        press(one, page, f"{page}/submit")
    before = one.get(page).text
    answer = other.post(f"{page}/{act}", data=form | {"document": text_of(NEWER)})
    assert answer.status_code == 409
    assert words_of(one.get(page).text).count("Two years.") == words_of(before).count("Two years.")
    assert events(house.runtime.ledger, Kind.DECLARATION_APPROVED) == []


@pytest.mark.parametrize(
    ("document", "member"),
    [
        ("{", "declaration"),
        ("[]", ""),
        ("{}", "id"),
        (text_of(NEWER).replace('"version": 2', '"version": "2"'), "version"),
    ],
)
def test_what_is_no_declaration_is_told_beside_what_was_sent(
    house: House, document: str, member: str
) -> None:
    one, _ = operators(house)
    form = form_of(one.get(f"{PAGES}/new?kind=purpose").text, f"{PAGES}/new")
    answer = one.post(f"{PAGES}/new", data=form | {"document": document})
    assert answer.status_code == 422
    assert f'href="#document"><code>{member}</code>' in answer.text
    assert "The declaration cannot be taken" in answer.text


def test_an_authority_whose_consent_leaves_no_other_way_cannot_be_submitted(house: House) -> None:
    one, _ = operators(house)
    wrong = NEWER.to_json()
    del wrong["alternative_path"]
    form = form_of(one.get(f"{PAGES}/new?kind=purpose").text, f"{PAGES}/new")
    page = one.post(f"{PAGES}/new", data=form | {"document": json.dumps(wrong)}).headers["location"]
    refused = one.post(f"{page}/submit", data=form_of(one.get(page).text, f"{page}/submit"))
    assert refused.status_code == 422
    assert "alternative_path" in words_of(refused.text)


def test_two_operators_suspend_and_resume(house: House) -> None:
    one, other = operators(house)
    assert press(one, ONE, f"{ONE}/suspend") == ACTS
    assert "You proposed it" in one.get(ACTS).text
    assert f"{ACTS}/1/approve" not in one.get(ACTS).text
    assert "Active" in words_of(one.get(ONE).text)
    press(other, ACTS, f"{ACTS}/1/approve")
    assert "Suspended" in words_of(one.get(ONE).text)
    press(other, ONE, f"{ONE}/resume")
    press(one, ACTS, f"{ACTS}/2/approve")
    assert "Active" in words_of(one.get(ONE).text)
    (entry,) = events(house.runtime.ledger, Kind.DECLARATION_SUSPENDED)
    assert entry.get("purpose") == ADVICE.id


def test_one_operator_is_never_enough(house: House) -> None:
    one, _ = operators(house)
    press(one, ONE, f"{ONE}/retire")
    again = form_of(one.get(ONE).text, f"{ONE}/retire")
    assert one.post(f"{ONE}/retire", data=again).status_code == 409
    assert one.post(f"{ACTS}/1/approve", data={"form": "x"}).status_code == 400
    assert events(house.runtime.ledger, Kind.DECLARATION_RETIRED) == []


def test_a_rejected_proposal_changes_nothing_and_can_be_made_anew(house: House) -> None:
    one, other = operators(house)
    press(one, ONE, f"{ONE}/retire")
    press(other, ACTS, f"{ACTS}/1/reject")
    assert "Rejected" in words_of(one.get(ACTS).text)
    press(one, ONE, f"{ONE}/retire")
    press(other, ACTS, f"{ACTS}/2/approve")
    assert "No longer in force" in words_of(one.get(ONE).text)


def test_a_proposal_does_not_wait_for_ever(house: House) -> None:
    one, _ = operators(house)
    press(one, ONE, f"{ONE}/retire")
    house.clock.advance(seconds=LIFETIME / timedelta(seconds=1))
    _, later = operators(house)
    assert "Its time is over" in words_of(later.get(ACTS).text)
    assert f"{ACTS}/1/approve" not in later.get(ACTS).text


def test_the_database_itself_refuses_one_operator_for_two(house: House) -> None:
    one, _ = operators(house)
    press(one, ONE, f"{ONE}/retire")
    statement = text("UPDATE service_proposed_act SET outcome = 'done', decided_by = proposed_by")
    with house.runtime.ledger.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(statement)


@pytest.mark.parametrize("path", ["purpose/none/1", "purpose/debt-advice/7", "service/none/1"])
def test_there_is_no_such_declaration(house: House, path: str) -> None:
    one, _ = operators(house)
    assert one.get(f"{PAGES}/{path}").status_code == 404


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_pages_are_there_in_every_language(house: House, language: str) -> None:
    one, _ = operators(house)
    press(one, ONE, f"{ONE}/retire")
    drafted(one)
    here = f"/{language}/operator"
    for path in ("declarations", "declarations/new?kind=service", "acts"):
        assert one.get(f"{here}/{path}").status_code == 200
    for path in ("purpose/debt-advice/1", "purpose/debt-advice/2", "service/glucose/1"):
        assert one.get(f"{here}/declarations/{path}").status_code == 200

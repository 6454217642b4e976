"""The auditor's page: a search that is itself an entry, with a reason, and no values of anybody."""

import re

import pytest
from sqlalchemy import text

from audit.model import Kind
from policies.ids import PurposeId
from policies.vocabulary import Role
from tests.service.auditor.asking import Auditor, rows
from tests.service.house import AINO, VALUES, VILLE, House, form_of, words_of
from tests.unguarded import unguard


def test_opening_the_page_is_no_look_and_a_search_is_one(auditor: Auditor) -> None:
    auditor.browser.get("/en/audit")
    assert auditor.looks() == []
    assert auditor.search(case="TARK/7").status_code == 200
    (look,) = auditor.looks()
    assert (look.get("reason"), look.get("case")) == ("complaint", "TARK/7")
    assert look.get("reference") is None


def test_the_event_of_the_look_says_what_was_looked_for(auditor: Auditor) -> None:
    auditor.search(organisation="kela", result="refused", since="2026-11-01")
    (look,) = auditor.looks()
    assert look.get("reference") == "since=2026-11-01 result=refused organisation=kela"
    assert look.get("organisation") is None  # it was not Kela that looked


def test_without_a_reason_nothing_is_shown_and_nothing_recorded(auditor: Auditor) -> None:
    answer = auditor.search(reason="")
    assert answer.status_code == 422
    assert 'href="#search-reason"' in answer.text
    assert "Say why you look." in answer.text
    assert rows(answer.text) == []
    assert auditor.looks() == []


def test_without_its_form_nothing_is_shown(auditor: Auditor) -> None:
    answer = auditor.browser.post("/en/audit", data={"reason": "complaint"})
    assert answer.status_code == 400
    assert auditor.looks() == []


def test_the_event_of_the_look_is_written_before_the_answer(auditor: Auditor) -> None:
    found = rows(auditor.search(kind="log.searched").text)
    assert len(found) == 1


FOUND = [
    ({"kind": "consent.given"}, "The person gave consent"),
    ({"result": "released"}, "Data released"),
    ({"result": "refused"}, "Data not released"),
    ({"result": "refused", "kind": "data.refused"}, "Data not released"),
    ({"result": "declined"}, "The person withdrew"),
    ({"organisation": "debt-counsel"}, "Debt Counselling"),
    ({"purpose": "debt-advice"}, "Debt Counselling"),
    ({"basis": "consent"}, "Debt Counselling"),
    ({"organisation": "debt-counsel", "basis": "consent", "result": "refused"}, "not released"),
    ({"since": "2026-11-24", "until": "2026-11-24"}, "Data stored"),
]


@pytest.mark.parametrize(
    ("fields", "found"), FOUND, ids=lambda each: "+".join(each) if isinstance(each, dict) else ""
)
def test_each_field_narrows_the_search(
    auditor: Auditor, fields: dict[str, str], found: str
) -> None:
    lines = rows(auditor.search(**fields).text)
    assert lines
    assert found in " ".join(lines)
    for name, absent in (("result", "Receipt"), ("basis", "Data stored")):
        assert name not in fields or all(absent not in each for each in lines)


@pytest.mark.parametrize(
    "fields",
    [
        {"since": "2026-11-25"},
        {"until": "2026-11-23"},
        {"organisation": "bank-example", "kind": "data.released"},
        {"purpose": "bank-loan-offer", "result": "released"},
        {"basis": "vital"},
        {"basis": "statute", "organisation": "debt-counsel", "kind": "data.released"},
        {"result": "released", "kind": "data.refused"},
        {"event": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_nothing_found_says_what_to_do(auditor: Auditor, fields: dict[str, str]) -> None:
    html = auditor.search(**fields).text
    assert rows(html) == []
    assert "Take a longer time" in html


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", "curiosity"),
        ("case", "010199-9012"),
        ("case", "no spaces, please"),
        ("since", "yesterday"),
        ("since", "20261124"),
        ("since", "0001-01-01"),
        ("until", "2026-13-1"),
        ("until", "9999-12-31"),
        ("kind", "no.such"),
        ("result", "perhaps"),
        ("organisation", "No Such"),
        ("purpose", "No Such"),
        ("basis", "whim"),
        ("person", "010199-9012"),
        ("person", "p-" + "a" * 52),
        ("event", "42"),
        ("event", "{00000000-0000-4000-8000-000000000000}"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_nothing_is_searched(
    auditor: Auditor, field: str, value: str
) -> None:
    answer = auditor.search(**{field: value})
    assert answer.status_code == 422
    assert f'href="#search-{field}"' in answer.text
    assert answer.text.count("aria-invalid") == 1
    assert auditor.looks() == []


@pytest.mark.parametrize("before", ["0", "-1", "99999999999999999999", "x"])
def test_a_page_that_makes_no_sense_is_none(auditor: Auditor, before: str) -> None:
    assert auditor.search(before=before).status_code == 422
    assert auditor.looks() == []


def test_a_row_leads_to_all_entries_about_that_person(auditor: Auditor) -> None:
    html = auditor.search(result="released", case="TARK/7").text
    (person,) = set(re.findall(r'name="person" value="(p-[a-z2-7]{52})"', html))
    whose = form_of(html[html.index('id="whose"') - 10 :], "/en/audit#results")
    assert (whose["reason"], whose["case"]) == ("complaint", "TARK/7")
    lines = rows(auditor.browser.post("/en/audit", data={**whose, "person": person}).text)
    assert len(lines) > 5
    assert all(person[:14] in each for each in lines)
    (look,) = auditor.looks(Kind.LOG_INSPECTED)
    assert look.subject == auditor.house.person()
    assert (look.get("reason"), look.get("case")) == ("complaint", "TARK/7")


def test_the_person_sees_that_an_auditor_looked_at_her_and_why(auditor: Auditor) -> None:
    pseudonym = auditor.house.runtime.pseudonyms.of(auditor.house.person())
    auditor.search(person=pseudonym)
    words = words_of(auditor.house.signed_in().get("/en/log").text)
    assert "Auditor read entries about you" in words
    assert "An auditor looked into a complaint." in words


def test_one_persons_entries_are_narrowed_by_the_other_fields_too(auditor: Auditor) -> None:
    pseudonym = auditor.house.runtime.pseudonyms.of(auditor.house.person())
    lines = rows(auditor.search(person=pseudonym, result="released").text)
    assert len(lines) == 1
    assert "Data released" in lines[0]
    assert rows(auditor.search(person=pseudonym, organisation="kela").text) == []


def test_the_event_of_a_complaint_is_found_by_its_number(auditor: Auditor) -> None:
    (event_id,) = (str(each.event_id) for each in auditor.looks(Kind.DATA_REFUSED))
    lines = rows(auditor.search(event=event_id).text)
    assert len(lines) == 1
    assert event_id in lines[0]
    (look,) = auditor.looks(Kind.LOG_INSPECTED)
    assert look.get("reference") == f"event={event_id}"


@pytest.mark.parametrize("beside", ["", "of another"])
def test_a_look_at_one_event_stands_in_the_log_of_whom_it_is_about(
    auditor: Auditor, beside: str
) -> None:
    (event_id,) = (str(each.event_id) for each in auditor.looks(Kind.DATA_REFUSED))
    other = auditor.house.runtime.pseudonyms.of(auditor.house.person(VILLE))
    sent = {"event": event_id} | ({"person": other} if beside else {})
    assert len(rows(auditor.search(**sent).text)) == 1
    assert auditor.looks() == []
    (look,) = auditor.looks(Kind.LOG_INSPECTED)
    assert look.subject == auditor.house.person()
    aino = auditor.house.signed_in()
    assert "An auditor" in aino.get("/en/log").text


def test_a_look_at_an_event_about_nobody_or_at_none_is_told_to_nobody(auditor: Auditor) -> None:
    (event_id,) = (str(each.event_id) for each in auditor.looks(Kind.CLIENT_REGISTERED)[:1])
    auditor.search(event=event_id)
    auditor.search(event="00000000-0000-4000-8000-000000000000")
    assert auditor.looks(Kind.LOG_INSPECTED) == []
    assert [each.subject for each in auditor.looks()] == [None, None]


def test_the_words_are_about_the_person_and_not_to_the_auditor(auditor: Auditor) -> None:
    html = auditor.search().text
    options = [words_of(each) for each in re.findall(r"<option.*?</option>", html)]
    for each in (*rows(html), *options):
        assert not re.search(
            r"\byou\b|\byour (own|consent|permission|contract|answer)", each.lower()
        )
    assert "the person's consent" in options
    assert any("the person's consent" in each for each in rows(html))


def test_what_the_person_saw_is_told_and_held_against_the_registered_text(
    auditor: Auditor,
) -> None:
    (line,) = rows(auditor.search(kind="consent.given").text)
    version = auditor.house.runtime.catalogue.purpose(PurposeId("debt-advice")).version
    assert f"debt-advice, version {version}, en As registered" in line


def test_the_auditor_sees_no_value_and_nobodys_name_or_id(auditor: Auditor) -> None:
    html = auditor.search().text
    cells = " ".join(rows(html)).replace("\u00a0", " ")
    assert "The person gave consent" in cells
    cells = cells.replace("Esimerkkilä", "")  # the invented town stands in names of offices
    texts = [each for each in VALUES.values() if isinstance(each, str) and len(each) > 5]
    for secret in [*texts, "3 150,50"]:
        assert secret not in cells
    house = auditor.house
    for secret in (AINO, VILLE, str(house.person()), str(house.person(VILLE))):
        assert secret not in html
        assert secret.replace("-", "") not in html


def test_a_changed_event_is_told_in_red_and_hides_no_other_one(auditor: Auditor) -> None:
    before = len(rows(auditor.search().text))
    with auditor.house.runtime.ledger.engine.begin() as connection:
        unguard(connection, "audit_event")
        change = text("UPDATE audit_event SET digests = :other WHERE number = 7")
        connection.execute(change, {"other": bytes(768)})
    lines = rows(auditor.search().text)
    assert len(lines) == before + 1
    (changed,) = (each for each in lines if "This entry was changed" in each)
    assert changed.startswith("6 24/11/2026")
    (entry,) = (each for each in auditor.ask().json()["entries"] if each["damaged"])
    assert entry.keys() == {"event_id", "log", "index", "at", "damaged"}
    sample = rows(auditor.sample(count="1000").text)
    assert len([each for each in sample if "This entry was changed" in each]) == 1


def test_nothing_of_a_search_stands_in_an_address(auditor: Auditor) -> None:
    html = auditor.search(organisation="debt-counsel").text
    assert set(re.findall(r'(?:href|action)="(/[^"]*audit[^"]*)"', html)) == {
        "/en/audit",
        "/fi/audit",
        "/sv/audit",
        "/en/audit#results",
        "/en/audit/check",
        "/en/audit/export",
        "/en/audit/sample",
    }


def test_long_results_are_paged_and_keep_the_search(house: House, auditor: Auditor) -> None:
    for _ in range(60):
        house.request(house.person(), "bank-loan-offer")
    html = auditor.search(organisation="bank-example").text
    first = rows(html)
    assert len(first) == 100
    older = re.search(r'name="before" value="(\d+)"', html)
    assert older is not None
    rest = rows(auditor.search(organisation="bank-example", before=older[1]).text)
    assert rest
    assert all("Example Bank" in each for each in rest)
    assert not set(first) & set(rest)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_result_in_each_language(auditor: Auditor, language: str) -> None:
    path = f"/{language}/audit"
    form = form_of(auditor.browser.get(path).text, f"{path}#results")
    answer = auditor.browser.post(path, data={**form, "reason": "incident"})
    assert answer.status_code == 200
    assert rows(answer.text)


@pytest.mark.usefixtures("auditor")
def test_the_operator_sees_whether_it_runs(house: House) -> None:
    words = words_of(house.signed_in(AINO, role=Role.OPERATOR).get("/en/operator").text)
    assert "Database Works sqlite" in words
    assert "Does not work" not in words
    house.clock.advance(seconds=60)
    words = words_of(house.signed_in(AINO).get("/en/operator").text)
    assert "Log Does not work" in words

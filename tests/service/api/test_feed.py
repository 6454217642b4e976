"""GET /api/v1/events: a client follows what concerns it, and nobody else does."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from audit.model import SYSTEM, Actor, Kind
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from policies.ids import AttributeId, DatasetId, OrganisationId, PersonId, SourceId
from service.api.feed import answer
from service.behind import end_all
from service.exchange import Answer, Call
from service.telling import TellingJob
from tests.service.office import Office, Program, content, header
from vault.disputes import dispute
from vault.erasure import Request, erase_dataset, erase_person
from vault.merging import merge_people
from vault.model import DisputeReason
from vault.people import enrol, person_by_pairwise

PATH = "/api/v1/events"
GROSS = AttributeId("income.monthly_gross")


def ask(office: Office, program: Program, assertion: str | None = None, **query: str) -> Answer:
    shown = assertion or program.assertion()
    headers = [(b"client-assertion", shown.encode())]
    return answer(office.server, Call("GET", PATH, headers, urlencode(query).encode()))


def disputed(office: Office, person: PersonId) -> None:
    actor = Actor.person(person)
    with begin(office.runtime.ledger, actor=actor, now=office.clock()) as uow:
        dispute(
            uow,
            office.runtime.vault,
            person,
            attribute=GROSS,
            source=SourceId("incomes-register"),
            reason=DisputeReason.WRONG,
        )


def test_a_client_is_told_what_becomes_of_its_consent(each_office: Office) -> None:
    consent = each_office.given()
    subject = each_office.tokens(consent)["authorization_details"][0]["subject"]["id"]
    each_office.clock.advance(seconds=1)
    each_office.withdraw(consent)
    told = content(ask(each_office, each_office.program))
    assert [each["type"] for each in told["events"]] == ["consent.given", "consent.withdrawn"]
    assert {each["subject"] for each in told["events"]} == {subject}
    assert {each["purpose"] for each in told["events"]} == {"debt-advice"}
    assert {each["case"] for each in told["events"]} == {"2026/17"}
    assert (told["next"], told["more"]) == ("2", False)
    read = each_office.events(Kind.FEED_READ)
    assert [each.get("client") for each in read] == ["debt-counsel-1"]


def test_who_has_got_a_value_is_told_that_it_is_disputed(each_office: Office) -> None:
    token = each_office.tokens()["access_token"]
    assert each_office.fetch(token).status == 200
    each_office.clock.advance(seconds=1)
    disputed(each_office, each_office.person)
    newest = content(ask(each_office, each_office.program))["events"][-1]
    assert (newest["type"], newest["reason"]) == ("data.disputed", "wrong-value")
    assert (newest["datatypes"], newest["case"]) == ([GROSS], "2026/17")
    value = content(each_office.fetch(token))["attributes"][GROSS]
    assert (value["disputed"], value["source"]) == (True, "incomes-register")
    job = TellingJob(each_office.runtime.ledger, each_office.runtime.catalogue)
    assert job.run_once(each_office.clock() + timedelta(minutes=1)) == 0


def test_who_was_joined_to_another_or_is_erased_is_named_so(office: Office) -> None:
    runtime = office.runtime
    consent = office.given()
    subject = office.tokens(consent)["authorization_details"][0]["subject"]["id"]
    office.clock.advance(seconds=1)
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        first = enrol(uow, runtime.vault, scheme="test", identifier="first")
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock(), about=EVERYONE) as uow:
        merge_people(uow, runtime.vault, first=first, other=office.person)
    events = content(ask(office, office.program))["events"]
    types = ["consent.given", "consent.ended", "subject.changed"]
    assert [each["type"] for each in events] == types
    (name,) = {each["subject"] for each in events}
    assert name != subject
    assert [each.get("former_subjects") for each in events] == [None, None, [subject]]
    with runtime.ledger.read() as connection:
        for known in (name, subject):
            found = person_by_pairwise(
                connection, runtime.vault, sector=OrganisationId("debt-counsel"), subject=known
            )
            assert found == first
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock(), about=first) as uow:
        erase_person(uow, runtime.vault, first, Request.by_order("A-1"))
    assert all("subject" not in e for e in content(ask(office, office.program))["events"])


@pytest.mark.parametrize("whole", [True, False])
def test_who_has_got_data_hears_that_it_is_erased_and_of_whom(
    each_office: Office, whole: bool
) -> None:
    office, runtime = each_office, each_office.runtime
    tokens = office.tokens()
    subject = tokens["authorization_details"][0]["subject"]["id"]
    assert office.fetch(tokens["access_token"]).status == 200
    office.clock.advance(seconds=1)
    request = Request.by_order("A-1")
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock(), about=office.person) as uow:
        if whole:
            erase_person(uow, runtime.vault, office.person, request)
        else:
            erase_dataset(uow, runtime.vault, office.person, DatasetId("income"), request)
    events = content(ask(office, office.program))["events"]
    (told,) = (each for each in events if each["type"] == "data.erased")
    assert (told["subject"], told["case"]) == (subject, "2026/17")
    assert GROSS in told["datatypes"]
    assert "reason" not in told
    assert content(ask(office, office.authority))["events"] == []


def test_places_go_on_behind_all_that_may_have_been_read(each_office: Office) -> None:
    """After a restore: a reader that asks from its old place on misses nothing that comes now."""
    runtime = each_office.runtime
    each_office.given()
    before = content(ask(each_office, each_office.program))
    end_all(runtime, reference=None, actor=SYSTEM)
    each_office.given()
    later = content(ask(each_office, each_office.program, after=str(2**32 - 1)))
    assert [each["type"] for each in later["events"]][-1] == "consent.given"
    assert int(later["next"]) > int(before["next"]) + 2**32 - 1
    again = content(ask(each_office, each_office.program, after=later["next"]))
    assert (again["events"], again["next"]) == ([], later["next"])


def test_a_reader_goes_on_where_it_stopped(office: Office) -> None:
    consent = office.given()
    office.clock.advance(seconds=1)
    office.withdraw(consent)
    first = content(ask(office, office.program, limit="1"))
    assert (len(first["events"]), first["next"], first["more"]) == (1, "1", True)
    rest = content(ask(office, office.program, after=first["next"]))
    assert [each["type"] for each in rest["events"]] == ["consent.withdrawn"]
    assert content(ask(office, office.program, after="2")) == {
        "events": [],
        "next": "2",
        "more": False,
    }


def test_another_client_is_told_nothing(office: Office) -> None:
    office.given()
    assert content(ask(office, office.authority))["events"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"after": "-1"},
        {"after": "1.0"},
        {"after": "٣"},
        {"after": "9" * 19},
        {"after": "1" * 20},
        {"limit": "501"},
        {"limit": "x"},
    ],
)
def test_a_place_or_limit_of_another_form_is_refused(office: Office, query: dict[str, str]) -> None:
    refused = ask(office, office.program, **query)
    assert (refused.status, content(refused)["error"]) == (400, "invalid_request")
    assert office.events(Kind.FEED_READ) == []


def test_an_assertion_is_used_once(office: Office) -> None:
    shown = office.program.assertion()
    assert ask(office, office.program, shown).status == 200
    assert content(ask(office, office.program, shown))["error"] == "invalid_client"


def test_without_the_clients_own_signature_nothing_is_told(office: Office) -> None:
    office.given()
    forged = Program(office.program.client_id, office.clock)
    assert ask(office, forged).status == 401
    nothing = answer(office.server, Call("GET", PATH, []))
    twice = [(b"client-assertion", office.program.assertion().encode())] * 2
    assert (nothing.status, answer(office.server, Call("GET", PATH, twice)).status) == (401, 401)


def test_a_refusal_is_a_problem_that_names_the_error(office: Office) -> None:
    refused = answer(office.server, Call("GET", PATH, []))
    assert header(refused, "content-type") == "application/problem+json"
    told = content(refused)
    assert (told["type"], told["status"]) == ("/problems/client-not-authenticated", 401)
    assert told["error"] == "invalid_client"
    wrong = content(ask(office, office.program, after="x"))
    assert (wrong["type"], wrong["status"]) == ("/problems/bad-request", 400)


def test_an_assertion_in_the_address_is_refused(office: Office) -> None:
    in_address = {"client_assertion": office.program.assertion()}
    refused = answer(office.server, Call("GET", PATH, [], urlencode(in_address).encode()))
    assert refused.status == 401
    assert ask(office, office.program, **in_address).status == 400

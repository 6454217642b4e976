"""The status filter: how consents stand for who knows their references, and for nobody else."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import begin
from consent.clients import register_client
from consent.model import OPEN_FOR
from consent.pushed import open_request
from consent.statuses import MOST
from policies.ids import ConsentId, SessionId
from service.api.statuses import MOST_BYTES, STATUS_PATH, answer, answer_one
from service.exchange import Answer, Call
from tests.consent.flow import NEEDED, metadata
from tests.service.house import House
from tests.service.office import Office, Program, content


def ask(office: Office, references: object, program: Program | None = None) -> Answer:
    who = program or office.program
    headers = [(b"client-assertion", who.assertion().encode())]
    body = json.dumps({"references": references}).encode()
    return answer(office.server, Call("POST", STATUS_PATH, headers, b"", body))


def look(office: Office, reference: object, program: Program | None = None) -> dict[str, Any]:
    who = program or office.program
    headers = [(b"client-assertion", who.assertion().encode())]
    call = Call("GET", f"/api/v1/consents/{reference}", headers)
    made = answer_one(office.server, call, ConsentId(UUID(str(reference))))
    assert made.status == 200, made.body
    return content(made)


def standing(office: Office, reference: object, program: Program | None = None) -> str:
    found = content(ask(office, [str(reference)], program))["statuses"]
    assert [each["reference"] for each in found] == [str(reference)]
    told: str = found[0]["status"]
    return told


def source(office: Office, organisation: str) -> Program:
    """The program of an organisation that keeps a register."""
    made = Program(f"{organisation}-source", office.clock)
    members = metadata(
        client_id=made.client_id,
        organisation=organisation,
        grant_types=["client_credentials"],
        redirect_uris=None,
        authorization_details_types=["deposit"],
        jwks={"keys": [made.jwk()]},
    )
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        register_client(uow, members, office.runtime.catalogue)
    return made


def opened(office: Office, request_uri: str) -> ConsentId:
    actor, session = Actor.person(office.person), SessionId(uuid4())
    with begin(office.runtime.ledger, actor=actor, now=office.clock()) as uow:
        return open_request(uow, request_uri, office.person, session).id


def test_a_reference_follows_a_request_until_it_lapses(each_office: Office) -> None:
    pushed = content(each_office.push())
    reference = pushed["consent_reference"]
    assert standing(each_office, reference) == "unknown"
    assert str(opened(each_office, pushed["request_uri"])) == reference
    assert standing(each_office, reference) == "open"
    each_office.clock.at += OPEN_FOR
    assert standing(each_office, reference) == "not-given"


def test_a_reference_follows_a_consent_until_it_is_withdrawn(each_office: Office) -> None:
    consent = each_office.given()
    active = content(ask(each_office, [str(consent)]))["statuses"][0]
    assert (active["status"], active["version"]) == ("active", 1)
    assert active["not_after"] == "2027-02-22T09:00:00Z"
    each_office.withdraw(consent)
    assert standing(each_office, consent) == "withdrawn"
    (event, *_) = each_office.events(Kind.FEED_READ)
    assert (event.get("client"), event.get("subject")) == ("debt-counsel-1", None)


def test_what_time_has_ended_is_told_so_before_the_job_comes(office: Office) -> None:
    consent = office.given()
    office.clock.advance(days=90)
    assert standing(office, consent) == "ended"


def test_another_client_learns_nothing(each_office: Office) -> None:
    consent = each_office.given()
    assert standing(each_office, consent, each_office.authority) == "unknown"
    found = look(each_office, consent, each_office.authority)
    assert found == {"reference": str(consent), "status": "unknown"}


def test_a_source_learns_how_a_consent_for_its_data_stands_and_no_more(office: Office) -> None:
    consent = office.given()
    keeper, other = source(office, "tax-admin"), source(office, "oph")
    assert standing(office, consent, keeper) == "active"
    assert look(office, consent, keeper).keys() == {"reference", "status", "version", "not_after"}
    assert standing(office, consent, other) == "unknown"


def test_one_consent_is_told_in_full_to_who_asked_for_it(each_office: Office) -> None:
    consent = each_office.given()
    subject = each_office.tokens(consent)["authorization_details"][0]["subject"]["id"]
    assert look(each_office, consent) == {
        "reference": str(consent),
        "status": "active",
        "version": 1,
        "not_after": "2027-02-22T09:00:00Z",
        "purpose": "debt-advice",
        "purpose_version": 1,
        "basis": "consent",
        "case": "2026/17",
        "datatypes": list(NEEDED),
        "uses_left": 5,
        "subject": subject,
    }
    each_office.withdraw(consent)
    after = look(each_office, consent)
    assert after["status"] == "withdrawn"
    assert not {"datatypes", "subject", "uses_left"} & after.keys()


def test_who_is_not_known_any_more_is_not_named(office: Office) -> None:
    consent = office.given()
    with office.runtime.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE consent_consent SET person_id = :who"), {"who": "0" * 32})
    assert "subject" not in look(office, consent)


def test_answers_stand_in_the_order_of_the_references(office: Office) -> None:
    consent = office.given()
    others = [str(uuid4()) for _ in range(1_200)]
    asked = [*others[:700], str(consent), *others[700:], str(consent)]
    found = content(ask(office, asked))["statuses"]
    assert [each["reference"] for each in found] == asked
    assert [i for i, each in enumerate(found) if each["status"] == "active"] == [700, 1_201]


def test_as_many_as_are_allowed_fit_into_the_body(office: Office) -> None:
    answered = ask(office, [str(uuid4()) for _ in range(MOST)])
    assert answered.status == 200
    assert ask(office, [str(uuid4()) for _ in range(MOST + 1)]).status == 400


@pytest.mark.parametrize(
    "references",
    [
        [],
        None,
        "7d2f6c1e-52f3-4d8e-9d0b-1f6a2f1f9c11",
        ["not-an-id"],
        [7],
        ["7D2F6C1E-52F3-4D8E-9D0B-1F6A2F1F9C11"],
        ["{7d2f6c1e-52f3-4d8e-9d0b-1f6a2f1f9c11}"],
    ],
)
def test_what_are_no_references_is_refused(busy_office: Office, references: object) -> None:
    refused = ask(busy_office, references)
    assert refused.status == 400
    assert content(refused)["error"] == "invalid_request"


@pytest.mark.parametrize("body", [b"", b"{", b'{"references": [], "more": 1}', b"[[[]]]"])
def test_what_is_not_the_question_is_refused(busy_office: Office, body: bytes) -> None:
    headers = [(b"client-assertion", busy_office.program.assertion().encode())]
    call = Call("POST", STATUS_PATH, headers, b"", body)
    assert answer(busy_office.server, call).status == 400


def test_who_shows_no_key_learns_nothing(busy_office: Office) -> None:
    made = answer(busy_office.server, Call("POST", STATUS_PATH, [], b"", b"{}"))
    assert made.status == 401


def test_an_assertion_works_once(busy_office: Office) -> None:
    headers = [(b"client-assertion", busy_office.program.assertion().encode())]
    body = json.dumps({"references": [str(uuid4())]}).encode()
    call = Call("POST", STATUS_PATH, headers, b"", body)
    assert answer(busy_office.server, call).status == 200
    assert answer(busy_office.server, call).status == 401


def test_the_filter_takes_a_larger_body_than_other_addresses(house: House) -> None:
    visitor = house.visitor()
    references = json.dumps({"references": [str(uuid4()) for _ in range(MOST)]})
    assert 65_536 < len(references) < MOST_BYTES
    assert visitor.post(STATUS_PATH, content=references).status_code == 401
    assert visitor.post(STATUS_PATH, content=" " * (MOST_BYTES + 1)).status_code == 413
    assert visitor.post("/api/v1/audit/entries", content=references).status_code == 413
    assert visitor.get(f"/api/v1/consents/{uuid4()}").status_code == 401
    assert visitor.get("/api/v1/consents/none").status_code == 400

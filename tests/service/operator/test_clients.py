"""Programs of agencies: registered, re-keyed and stopped by two operators, never by one."""

import json
from typing import Any

import pytest

from audit.model import Kind
from tests.consent.flow import events, metadata, public_key
from tests.service.house import House, form_of, words_of
from tests.service.office import Office, new_key, public_jwk
from tests.service.operator.desks import API, call, operators, press

PAGE = "/en/operator/clients"
ACTS = "/en/operator/acts"
NEW = metadata(client_id="debt-counsel-9")


def keys_of(name: str = "key-2") -> dict[str, Any]:
    return {"keys": [public_key(name)]}


def test_a_program_is_registered_by_two(house: House) -> None:
    one, other = operators(house)
    to = press(one, PAGE, f"{PAGE}/register", document=json.dumps(NEW))
    assert to == ACTS
    assert "debt-counsel-9" not in one.get(PAGE).text
    press(other, ACTS, f"{ACTS}/1/approve")
    assert "debt-counsel-9" in one.get(PAGE).text
    proposed = events(house.runtime.ledger, Kind.ACT_PROPOSED)[-1]
    approved = events(house.runtime.ledger, Kind.ACT_APPROVED)[-1]
    assert proposed.get("digest") == approved.get("digest") is not None
    assert proposed.get("actor") != approved.get("actor")


def test_its_new_keys_count_from_the_second_approval_on(
    each_house: House, each_office: Office
) -> None:
    one, other = operators(each_house)
    changed = new_key("ES256")
    jwks = {"keys": [{**public_jwk(changed), "kid": "key-2", "alg": "ES256", "use": "sig"}]}
    form = form_of(one.get(PAGE).text, f"{PAGE}/keys")
    program = each_office.program.client_id
    assert form["client"] == program
    sent = one.post(f"{PAGE}/keys", data=form | {"document": json.dumps(jwks)})
    assert sent.headers["location"] == ACTS
    assert each_office.push().status == 201
    press(other, ACTS, f"{ACTS}/1/approve")
    assert each_office.push().status == 401
    (entry,) = events(each_house.runtime.ledger, Kind.CLIENT_KEYS_REPLACED)
    assert entry.get("client") == program


def test_a_stopped_program_gets_nothing(each_house: House, each_office: Office) -> None:
    one, other = operators(each_house)
    program = each_office.program.client_id
    number = call(one, "POST", f"/clients/{program}/suspend")["number"]
    assert each_office.push().status == 201
    call(other, "POST", f"/acts/{number}/approve")
    assert each_office.push().status == 401
    again = one.post(f"{API}/clients/{program}/suspend")
    assert again.json()["type"] == "/problems/changed-meanwhile"
    shown = words_of(one.get(PAGE).text)
    assert "Stopped" in shown


def test_the_same_by_the_api(house: House) -> None:
    one, other = operators(house)
    made = call(one, "POST", "/clients", NEW)
    assert (made["what"], made["subject"]) == ("register-client", "debt-counsel-9")
    assert one.post(f"{API}/acts/{made['number']}/approve").status_code == 409
    call(other, "POST", f"/acts/{made['number']}/approve")
    waits = call(other, "PUT", "/clients/debt-counsel-9/keys", keys_of())
    call(one, "POST", f"/acts/{waits['number']}/approve")
    found = {each["client_id"]: each for each in call(one, "GET", "/clients")["clients"]}
    assert found["debt-counsel-9"]["jwks"] == keys_of()


def test_a_program_without_an_id_is_named_by_its_organisation(house: House) -> None:
    one, _ = operators(house)
    members = {name: value for name, value in NEW.items() if name != "client_id"}
    assert call(one, "POST", "/clients", members)["subject"] == "new:debt-counsel"


@pytest.mark.parametrize(
    ("document", "member"),
    [("{", "metadata"), ("[]", "metadata"), ("{}", "token_endpoint_auth_method")],
)
def test_what_cannot_be_registered_is_told_beside_what_was_sent(
    house: House, document: str, member: str
) -> None:
    one, _ = operators(house)
    form = form_of(one.get(PAGE).text, f"{PAGE}/register")
    answer = one.post(f"{PAGE}/register", data=form | {"document": document})
    assert answer.status_code == 422
    assert f"<code>{member}</code>" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/clients", {}, 422),
        ("POST", "/clients", NEW | {"surplus": 1}, 422),
        ("PUT", "/clients/none/keys", keys_of(), 404),
        ("PUT", "/clients/client-debt-advice/keys", {"keys": []}, 422),
        ("POST", "/clients/none/suspend", None, 404),
        ("POST", "/clients/a%20b/suspend", None, 400),
    ],
)
def test_what_cannot_be_proposed_is_told(
    house: House, method: str, path: str, body: object, status: int
) -> None:
    one, _ = operators(house)
    answer = one.request(method, API + path, json=body)
    assert answer.status_code == status, answer.text
    assert call(one, "GET", "/acts") == {"acts": []}


def test_what_became_impossible_meanwhile_is_told_at_the_approval(house: House) -> None:
    one, other = operators(house)
    first = call(one, "POST", "/clients", NEW)["number"]
    call(other, "POST", f"/acts/{first}/approve")
    second = call(one, "POST", "/clients", NEW)["number"]
    answer = other.post(f"{API}/acts/{second}/approve")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/client-not-valid")
    assert call(one, "GET", "/acts")["acts"][0]["open"] is True


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_there_in_every_language(house: House, language: str) -> None:
    one, _ = operators(house)
    call(one, "POST", "/clients", NEW)
    assert one.get(f"/{language}/operator/clients").status_code == 200
    assert "debt-counsel-9" in one.get(f"/{language}/operator/acts").text


def test_the_example_in_openapi_can_be_proposed(house: House) -> None:
    one, _ = operators(house)
    paths = house.visitor().get("/openapi.json").json()["paths"]
    body = paths[f"{API}/clients"]["post"]["requestBody"]["content"]["application/json"]
    assert call(one, "POST", "/clients", body["example"])["subject"] == "debt-counsel-9"

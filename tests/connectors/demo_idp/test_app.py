"""The demo provider over HTTP: its pages, its headers, its token endpoint."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx2
import pytest
from joserfc import jws

from connectors.client_assertion import ASSERTION_TYPE, client_assertion
from connectors.demo_data.people import demo_people
from connectors.demo_idp.app import system_clock
from connectors.levels import FTN_HIGH, FTN_SUBSTANTIAL
from connectors.ports import LoginStart
from policies.vocabulary import Language, LevelOfAssurance
from tests.connectors.conftest import Peers, answer_of
from tests.connectors.registration import CLIENT, REDIRECT

LABELS = {
    Language.FI: "Tämä on esittely. Tämä ei ole oikea tunnistuspalvelu.",
    Language.SV: "Det här är en demonstration. Det här är ingen riktig identifieringstjänst.",
    Language.EN: "This is a demo. This is not a real identification service.",
}


def form(
    peers: Peers, start: LoginStart, issued: str, changes: Mapping[str, str | None]
) -> dict[str, str]:
    """The right token request, with changes; None leaves a parameter out."""
    right: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": issued,
        "redirect_uri": REDIRECT,
        "code_verifier": start.verifier,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": client_assertion(
            peers.client_key, client_id=CLIENT, audience=peers.issuer, now=peers.clock()
        ),
    }
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def redeem(peers: Peers, **changes: str | None) -> httpx2.Response:
    start = peers.begin(hint=peers.issue_ticket("matti"))
    code = peers.signed_in(start)["code"]
    return httpx2.post(f"{peers.issuer}/token", data=form(peers, start, code, changes))


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def chooser(peers: Peers, language: Language = Language.FI, **changes: str) -> httpx2.Response:
    start = peers.provider.begin(
        language=language, loa=LevelOfAssurance.SUBSTANTIAL, now=peers.clock()
    )
    url = start.url + "".join(f"&{name}={value}" for name, value in changes.items())
    return httpx2.get(url)


def test_the_clock_is_that_of_the_machine_in_utc_unless_another_is_given() -> None:
    assert abs(system_clock() - datetime.now(UTC)) < timedelta(seconds=5)


def test_discovery_says_what_the_provider_does(peers: Peers) -> None:
    document = httpx2.get(f"{peers.issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == peers.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["authorization_response_iss_parameter_supported"] is True


def test_the_keys_are_public_ones(peers: Peers) -> None:
    (key,) = httpx2.get(f"{peers.issuer}/jwks").json()["keys"]
    assert key["alg"] == "ES256"
    assert key["use"] == "sig"
    assert "d" not in key


@pytest.mark.parametrize("language", Language)
def test_the_page_says_in_each_language_that_it_is_a_demo(peers: Peers, language: Language) -> None:
    response = chooser(peers, language)
    assert f'<html lang="{language}">' in response.text
    assert LABELS[language] in response.text
    for person in demo_people():
        assert person.name in response.text
        assert person.story.in_language(language) in response.text
        assert person.identity_code not in response.text


def test_the_page_works_without_script_form_and_inline_style(peers: Peers) -> None:
    response = chooser(peers)
    page = Page(response.text)
    tags = {name for name, _ in page.elements}
    assert not tags & {"script", "style", "form", "img", "iframe"}
    for _, attributes in page.elements:
        assert not any(name == "style" or name.startswith("on") for name in attributes)
    assert len(page.of("h1")) == len(page.of("main")) == 1
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in page.of("a"):
        for label in (link.get("aria-labelledby") or "").split():
            assert label in ids


def test_every_answer_has_strict_headers(peers: Peers) -> None:
    answers = [
        chooser(peers),
        httpx2.get(f"{peers.issuer}/jwks"),
        httpx2.get(f"{peers.issuer}/style.css"),
        httpx2.get(f"{peers.issuer}/authorize"),
        httpx2.get(peers.begin(hint=peers.issue_ticket("aino")).url),
        httpx2.post(f"{peers.issuer}/token"),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_style_sheet_loads_nothing(peers: Peers) -> None:
    sheet = httpx2.get(f"{peers.issuer}/style.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "url(" not in sheet.text
    assert "@import" not in sheet.text


def test_the_language_can_be_changed_without_losing_the_request(peers: Peers) -> None:
    page = chooser(peers)
    link = re.search(r'href="(people\?[^"]*lang=sv)"', page.text)
    assert link is not None
    swedish = httpx2.get(f"{peers.issuer}/{link[1].replace('&amp;', '&')}")
    assert LABELS[Language.SV] in swedish.text
    choice = re.search(r'href="(choose\?[^"]*person=aino[^"]*)"', swedish.text)
    assert choice is not None
    chosen = httpx2.get(f"{peers.issuer}/{choice[1].replace('&amp;', '&')}")
    assert "code" in answer_of(chosen)


def test_only_the_level_that_was_asked_for_is_on_offer(peers: Peers) -> None:
    start = peers.begin(loa=LevelOfAssurance.HIGH)
    text = httpx2.get(start.url).text
    assert "level=high" in text
    assert "level=substantial" not in text


def test_a_ticket_gives_the_highest_level_that_was_asked_for(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    assertion = peers.provider.finish(
        peers.signed_in(start), start, loa=LevelOfAssurance.SUBSTANTIAL, now=peers.clock()
    )
    assert assertion.loa is LevelOfAssurance.HIGH


def test_a_ticket_gives_no_level_that_was_not_asked_for(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    url = re.sub(r"acr_values=[^&]*", f"acr_values={quote(FTN_SUBSTANTIAL)}", start.url)
    answer = answer_of(httpx2.get(url))
    assertion = peers.provider.finish(
        answer, start, loa=LevelOfAssurance.SUBSTANTIAL, now=peers.clock()
    )
    assert assertion.loa is LevelOfAssurance.SUBSTANTIAL


def test_a_ticket_ends_after_a_day(peers: Peers) -> None:
    ticket = peers.issue_ticket("aino")
    peers.clock.advance(hours=24)
    assert httpx2.get(peers.begin(hint=ticket).url).status_code == 200


def test_a_ticket_for_nobody_is_not_made(peers: Peers) -> None:
    with pytest.raises(KeyError):
        peers.issue_ticket("nobody")


@pytest.mark.parametrize(
    "path",
    [
        "authorize",
        f"authorize?client_id={CLIENT}&redirect_uri=https%3A%2F%2Fevil.example%2F",
        f"authorize?client_id={CLIENT}&client_id={CLIENT}",
        "people?request=x&lang=fi",
        "choose?request=x&person=aino&level=high",
        "cancel?request=x",
    ],
)
def test_what_cannot_go_on_ends_on_a_page_and_sends_nobody_on(peers: Peers, path: str) -> None:
    response = httpx2.get(f"{peers.issuer}/{path}")
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "Tunnistautumista ei voi jatkaa" in response.text
    assert "The identification cannot go on" in response.text


@pytest.mark.parametrize(
    "change", [("person", "nobody"), ("level", "low"), ("level", ""), ("request", "x")]
)
def test_a_choice_that_is_not_on_offer_is_refused(peers: Peers, change: tuple[str, str]) -> None:
    link = re.search(r'href="choose\?([^"]*person=aino[^"]*)"', chooser(peers).text)
    assert link is not None
    query = dict(parse_qsl(link[1].replace("&amp;", "&"))) | dict([change])
    assert httpx2.get(f"{peers.issuer}/choose?{urlencode(query)}").status_code == 400


def test_a_choice_is_made_once(peers: Peers) -> None:
    link = re.search(r'href="(choose\?[^"]*person=aino[^"]*)"', chooser(peers).text)
    assert link is not None
    url = f"{peers.issuer}/{link[1].replace('&amp;', '&')}"
    assert httpx2.get(url).status_code == 303
    assert httpx2.get(url).status_code == 400


def test_an_unknown_language_is_refused(peers: Peers) -> None:
    link = re.search(r'href="(people\?[^"]*)lang=sv"', chooser(peers).text)
    assert link is not None
    url = f"{peers.issuer}/{link[1].replace('&amp;', '&')}lang=de"
    assert httpx2.get(url).status_code == 400


def test_a_fault_of_the_client_goes_back_to_it(peers: Peers) -> None:
    url = peers.begin().url.replace("response_type=code", "response_type=token")
    answer = answer_of(httpx2.get(url))
    assert answer["error"] == "unsupported_response_type"
    assert answer["iss"] == peers.issuer


def test_the_token_answer_is_that_of_openid_connect(peers: Peers) -> None:
    response = redeem(peers)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    assert answer["token_type"] == "Bearer"
    assert answer["id_token"].count(".") == 2
    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
        ({"code": "another"}, 400, "invalid_grant"),
        ({"code": None}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:8460/"}, 400, "invalid_grant"),
        ({"redirect_uri": None}, 400, "invalid_grant"),
        ({"code_verifier": None}, 400, "invalid_grant"),
        ({"code_verifier": "x" * 43}, 400, "invalid_grant"),
        ({"code_verifier": "short"}, 400, "invalid_grant"),
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_assertion_type": None}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
    ],
    ids=str,
)
def test_a_wrong_token_request_is_refused(
    peers: Peers, changes: dict[str, str | None], status: int, error: str
) -> None:
    response = redeem(peers, **changes)
    assert response.status_code == status
    assert response.json() == {"error": error}


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"a=1&a=2", b"\xff=1", b"a=" + b"x" * 20_000, b"grant_type=a;b"],
    ids=["empty", "no form", "twice", "not ascii", "too large", "semicolon"],
)
def test_a_body_that_is_no_form_is_refused(peers: Peers, body: bytes) -> None:
    response = httpx2.post(f"{peers.issuer}/token", content=body)
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_request", "invalid_client"}


def test_a_client_assertion_is_used_once(peers: Peers) -> None:
    assertion = client_assertion(
        peers.client_key, client_id=CLIENT, audience=peers.issuer, now=peers.clock()
    )
    assert redeem(peers, client_assertion=assertion).status_code == 200
    assert redeem(peers, client_assertion=assertion).json() == {"error": "invalid_client"}


def test_the_subject_is_a_pseudonym_that_stays(peers: Peers) -> None:
    subjects = {_claims(redeem(peers).json()["id_token"])["sub"] for _ in range(2)}
    (subject,) = subjects
    assert "matti" not in subject
    assert "120574" not in subject


def test_the_level_is_told_by_the_name_that_was_asked_for(peers: Peers) -> None:
    assert _claims(redeem(peers).json()["id_token"])["acr"] == FTN_HIGH


def _claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return found


def test_a_code_in_the_address_is_the_only_secret_that_leaves(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("ville"))
    location = httpx2.get(start.url).headers["location"]
    assert set(dict(parse_qsl(urlsplit(location).query))) == {"code", "iss", "state"}

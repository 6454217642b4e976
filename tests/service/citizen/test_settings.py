"""Settings: where I am signed in, and ending it there."""

import re

from tests.service.house import VILLE, House, form_of, words_of


def ends(html: str) -> list[str]:
    return re.findall(r'action="(/en/settings/sessions/[^"]+/end)"', html)


def test_every_session_stands_there_and_this_one_is_marked(house: House) -> None:
    house.signed_in()
    browser = house.signed_in()
    html = browser.get("/en/settings").text
    assert len(ends(html)) == 2
    assert html.count("This browser") == 1
    assert "8 hours" in html


def test_another_session_is_ended_from_here(house: House) -> None:
    lost, browser = house.signed_in(), house.signed_in()
    html = browser.get("/en/settings").text
    (address,) = [each for each in ends(html) if "This browser" not in _panel(html, each)]
    answer = browser.post(address, data=form_of(html, address))
    assert answer.headers["location"] == "/en/settings"
    assert lost.get("/en/settings").status_code == 303
    assert browser.get("/en/settings").status_code == 200


def test_ending_this_session_is_signing_out(house: House) -> None:
    browser = house.signed_in()
    html = browser.get("/en/settings").text
    (address,) = ends(html)
    answer = browser.post(address, data=form_of(html, address))
    assert "You are signed out" in browser.get(answer.headers["location"]).text
    assert not browser.cookies
    assert browser.get("/en/settings").headers["location"].startswith("/en/sign-in")


def test_nobody_ends_the_session_of_another(house: House) -> None:
    browser, stranger = house.signed_in(), house.signed_in(VILLE)
    html = browser.get("/en/settings").text
    (address,) = ends(html)
    assert stranger.post(address, data=form_of(html, address)).status_code == 400
    assert browser.get("/en/settings").status_code == 200


def test_front_page_for_all_and_overview_for_one(house: House) -> None:
    welcome = words_of(house.visitor().get("/en/").text)
    assert "You decide who gets your data" in welcome
    person = house.person()
    house.deposit(person)
    house.request(person, "debt-advice")
    overview = words_of(house.signed_in().get("/en/").text)
    assert "Waiting for you Esimerkkilä Financial and Debt Counselling" in overview
    assert "Nobody has fetched your data" in overview


def _panel(html: str, address: str) -> str:
    return html.split(address)[0].rsplit('class="panel"', 1)[1]

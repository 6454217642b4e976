"""What is held: each attribute with value, source, age and labels; sensitive ones on demand."""

from policies.vocabulary import LevelOfAssurance
from tests.service.house import VALUES, VILLE, House, words_of


def test_values_stand_with_source_and_age(house: House) -> None:
    house.deposit(house.person())
    words = words_of(house.signed_in().get("/en/data").text).replace("\u00a0", " ")
    assert "Monthly pay before tax 3 150,50 € Source: Incomes Register, 20/11/2026" in words
    assert "Given names Aino Maria" in words


def test_sensitive_values_are_hidden_until_asked_for(house: House) -> None:
    house.deposit(house.person())
    browser = house.signed_in()
    hidden = browser.get("/en/data").text
    assert "6,4" not in hidden
    assert "Health" in hidden
    shown = browser.get("/en/data?show=all").text
    assert "6,4 mmol/l" in shown
    assert "Hide the sensitive values" in shown


def test_health_data_needs_the_stronger_sign_in(house: House) -> None:
    house.deposit(house.person())
    browser = house.signed_in(loa=LevelOfAssurance.SUBSTANTIAL)
    page = browser.get("/en/data?show=all").text
    assert "6,4" not in page
    assert "Shown after a stronger sign-in" in page


def test_a_protected_person_sees_her_own_address_and_its_mark_when_she_asks(house: House) -> None:
    house.deposit(house.person(VILLE), protected=True)
    browser = house.signed_in(VILLE)
    hidden = words_of(browser.get("/en/data").text)
    assert "Esimerkkikatu" not in hidden
    assert "Protected for your safety" in hidden
    page = words_of(browser.get("/en/data?show=all").text)
    assert "Esimerkkikatu 1 A 2" in page
    assert "Protected for your safety" in page


def test_nothing_held_is_said_and_nothing_is_recorded(house: House) -> None:
    browser = house.signed_in()
    assert "We hold no data about you yet" in words_of(browser.get("/en/data").text)
    assert "Data viewed" not in browser.get("/en/log?show=all").text


def test_nobody_sees_the_data_of_another(house: House) -> None:
    house.deposit(house.person())
    page = house.signed_in(VILLE).get("/en/data?show=all").text
    assert not [v for v in VALUES.values() if isinstance(v, str) and len(v) > 3 and v in page]

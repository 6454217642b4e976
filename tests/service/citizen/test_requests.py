"""The consent page: what is shown is what is agreed to, and no way of answering is easier."""

import hashlib
import hmac
import re
from dataclasses import replace

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from audit.model import SYSTEM, Entry, Kind
from audit.reader import entries_about
from audit.unit_of_work import begin
from consent.model import Consent, Status
from consent.purposes import register_purpose
from consent.reading import consent, record
from policies.canonical import canonical_json
from policies.ids import ConsentId, PersonId, PurposeId
from policies.vocabulary import Language, LevelOfAssurance
from service.citizen.question import asked, look
from service.forms import open_form
from service.sessions import find
from tests.service.house import VALUES, VILLE, House, form_of, words_of

LANGUAGES = ["fi", "sv", "en"]
NEEDED = ("income.monthly_gross", "income.benefit_monthly", "residence.household_size")
OPTIONAL = "income.yearly_total"


@pytest.fixture
def person(house: House) -> PersonId:
    found = house.person()
    house.deposit(found)
    return found


@pytest.fixture
def waiting(house: House, person: PersonId) -> ConsentId:
    return house.request(person, "debt-advice")


def stored(house: House, consent_id: ConsentId) -> Consent:
    with house.runtime.ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def log(house: House, person: PersonId) -> list[Entry]:
    with house.runtime.ledger.read() as connection:
        return entries_about(connection, house.runtime.ledger, person)


def page(browser: TestClient, consent_id: ConsentId, language: str = "en") -> str:
    answer = browser.get(f"/{language}/requests/{consent_id}")
    assert answer.status_code == 200, words_of(answer.text)
    return answer.text


def send(
    browser: TestClient, consent_id: ConsentId, html: str, decision: str, *ticked: str
) -> tuple[int, str]:
    """Send the form of the page; gives the status and where it leads or what it says."""
    answer = press(browser, consent_id, html, decision, *ticked)
    return answer.status_code, answer.headers.get("location") or words_of(answer.text)


def press(
    browser: TestClient, consent_id: ConsentId, html: str, decision: str, *ticked: str
) -> Response:
    """The answer to pressing a button of the form."""
    address = f"/en/requests/{consent_id}"
    data = {**form_of(html, address), "decision": decision, "attribute": list(ticked)}
    return browser.post(address, data=data)


def boxes_of(html: str) -> list[str]:
    return re.findall(r'<input type="checkbox"[^>]* value="([^"]+)"', html)


def ticks_of(html: str) -> list[str]:
    return re.findall(r'<input type="checkbox"[^>]* value="([^"]+)"[^>]* checked>', html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_must_be_told_stands_on_the_page(
    house: House, waiting: ConsentId, language: str
) -> None:
    html = page(house.signed_in(), waiting, language=language)
    words, in_words = words_of(html), Language(language)
    declaration = house.runtime.catalogue.purposes[stored(house, waiting).purpose]
    organisation = house.runtime.catalogue.organisation(declaration.organisation)
    assert organisation.name.in_language(in_words) in words
    assert organisation.business_id in words
    texts = [*declaration.texts().values()]
    texts += [each.why for each in declaration.attributes]
    texts += [each.if_refused for each in declaration.attributes]
    for text in texts:
        assert text.in_language(in_words) in words.replace("&#39;", "'")


def test_the_law_is_folded_and_not_in_the_main_text(house: House, waiting: ConsentId) -> None:
    main, folded = page(house.signed_in(), waiting).split("<details>")
    assert "813/2017" not in main
    assert "813/2017" in folded


def test_each_attribute_has_its_value_source_and_age(house: House, waiting: ConsentId) -> None:
    words = words_of(page(house.signed_in(), waiting)).replace("\u00a0", " ")
    for shown in ["3 150,50 €", "420,00 €", "28 012,34 €"]:
        assert f"{shown} Source: Incomes Register, 20/11/2026 (4 days ago)." in words
    assert "Household size 3 Source: Population Information System" in words


def test_nothing_is_chosen_beforehand_and_needed_ones_have_no_box(
    house: House, waiting: ConsentId
) -> None:
    html = page(house.signed_in(), waiting)
    boxes = re.findall(r"<input type=\"checkbox\"[^>]*>", html)
    assert [re.search(r'value="([^"]+)"', box)[1] for box in boxes] == [OPTIONAL]  # type: ignore[index]  # each box has a value
    assert "checked" not in html
    assert "selected" not in html
    assert "disabled" not in html


def test_the_two_answers_look_alike_and_say_what_they_do(house: House, waiting: ConsentId) -> None:
    html = page(house.signed_in(), waiting)
    buttons = re.findall(r'<button class="(button choice)"[^>]*name="decision"[^>]*>([^<]+)<', html)
    assert [name for name, _ in buttons] == ["button choice", "button choice"]
    assert [label for _, label in buttons] == ["Give needed and ticked data", "Give nothing"]


def test_what_is_seen_is_the_event_and_the_page_alone_decides_nothing(
    house: House, person: PersonId, waiting: ConsentId
) -> None:
    page(house.signed_in(), waiting)
    viewed = [each for each in log(house, person) if each.kind is Kind.DATA_VIEWED]
    assert len(viewed) == 1
    assert set(viewed[0].many("attributes")) >= {*NEEDED, OPTIONAL}
    assert stored(house, waiting).status is Status.REQUESTED


def test_giving_takes_one_press_and_gives_what_is_needed_and_ticked(
    house: House, waiting: ConsentId
) -> None:
    browser = house.signed_in()
    status, where = send(browser, waiting, page(browser, waiting), "give", OPTIONAL)
    assert (status, where.split("/")[2]) == (303, "receipts")
    given = stored(house, waiting)
    assert given.status is Status.ACTIVE
    assert set(given.granted) == {*NEEDED, OPTIONAL}
    assert given.refused == ()


def test_giving_partly_is_not_ticking(house: House, waiting: ConsentId) -> None:
    browser = house.signed_in()
    send(browser, waiting, page(browser, waiting), "give")
    given = stored(house, waiting)
    assert set(given.granted) == set(NEEDED)
    assert given.refused == (OPTIONAL,)


def test_refusing_takes_one_press_and_ticks_do_not_matter(house: House, waiting: ConsentId) -> None:
    browser = house.signed_in()
    status, where = send(browser, waiting, page(browser, waiting), "refuse", OPTIONAL)
    assert status == 303
    refused = stored(house, waiting)
    assert refused.status is Status.REFUSED
    assert refused.granted == ()
    assert "You gave nothing" in words_of(browser.get(where).text)


@pytest.mark.parametrize("second", ["give", "refuse"])
def test_the_form_sent_twice_has_its_effect_once_and_shows_the_first_receipt(
    house: House, person: PersonId, waiting: ConsentId, second: str
) -> None:
    browser = house.signed_in()
    html = page(browser, waiting)
    first = send(browser, waiting, html, "give")
    assert send(browser, waiting, html, second) == first
    assert stored(house, waiting).status is Status.ACTIVE
    kinds = [each.kind for each in log(house, person)]
    assert kinds.count(Kind.CONSENT_GIVEN) == 1


def test_a_second_page_of_an_answered_request_cannot_answer_again(
    house: House, waiting: ConsentId
) -> None:
    browser = house.signed_in()
    first, second = page(browser, waiting), page(browser, waiting)
    send(browser, waiting, first, "refuse")
    status, said = send(browser, waiting, second, "give")
    assert status == 409
    assert "Your answer was not taken" in said
    assert "does not wait for an answer any more" in said
    assert "Your answer was not taken" not in page(browser, waiting)
    assert stored(house, waiting).status is Status.REFUSED


def test_the_record_binds_what_was_shown_in_which_language_and_how_surely(
    house: House, person: PersonId, waiting: ConsentId
) -> None:
    browser = house.signed_in(loa=LevelOfAssurance.SUBSTANTIAL)
    html = page(browser, waiting, language="sv")
    address = f"/sv/requests/{waiting}"
    browser.post(address, data={**form_of(html, address), "decision": "give"})
    with house.runtime.ledger.read() as connection:
        written = record(connection, waiting, 1)
    assert written is not None
    processing, event = written.content["processing"], written.content["events"][0]
    declaration = house.runtime.catalogue.purposes[stored(house, waiting).purpose]
    notice = processing["privacy_notice"]
    assert processing["language"] == "sv"
    assert notice["content_hash"] == f"sha256:{declaration.digest()}"
    assert re.fullmatch(r"hmac-sha256:[0-9a-f]{64}", notice["presentation_hash"])
    assert event["loa"] == "substantial"


def test_the_digest_of_the_presentation_is_over_the_values_that_the_page_shows(
    house: House, person: PersonId, waiting: ConsentId
) -> None:
    browser = house.signed_in()
    html = page(browser, waiting)
    runtime = house.runtime
    with runtime.ledger.read() as connection:
        session = find(connection, browser.cookies["__Host-session"])
    assert session is not None
    text = form_of(html, f"/en/requests/{waiting}")["form"]
    form = open_form(session, text, use=f"request/{waiting}", now=house.clock())
    shown = [
        {
            "id": attribute,
            "state": "shown",
            "value": VALUES[attribute],
            "source": runtime.catalogue.dataset_of(attribute).source,
            "observed_at": "2026-11-20T09:00:00+00:00",
        }
        for attribute in stored(house, waiting).requested
    ]
    with begin(runtime.ledger, actor=session.actor, now=house.clock()) as uow:
        question = asked(uow.connection, runtime.catalogue, session, waiting)
        seen = look(uow, runtime.vault, session, question, language=Language.EN, reveal=False)
        presentation = canonical_json(
            {
                "template": "request@4",
                "language": "en",
                "notice": question.declaration.digest(),
                "consent": str(waiting),
                "ends": question.end(house.clock()).isoformat(),
                "attributes": shown,
                "unusual": [],
            }
        )
        digest = uow.keyed_digest(person, "presentation", presentation)
    assert form.shown.split(":")[0] == digest == seen.presentation_digest
    plain = hashlib.sha256(presentation).hexdigest()
    assert not hmac.compare_digest(digest, plain)


def test_a_value_that_changed_while_reading_is_shown_before_it_is_given(
    house: House, person: PersonId, waiting: ConsentId
) -> None:
    browser = house.signed_in()
    html = page(browser, waiting)
    house.clock.advance(minutes=1)
    house.deposit(person, {**VALUES, "income.monthly_gross": 999_999})
    status, said = send(browser, waiting, html, "give")
    assert status == 409
    assert "Something changed while you were reading" in said
    assert "9 999,99 €" in said.replace("\u00a0", " ")
    assert stored(house, waiting).status is Status.REQUESTED
    again = send(browser, waiting, page(browser, waiting), "give")
    assert again[0] == 303


@pytest.mark.parametrize("decision", ["give", "refuse"])
def test_a_notice_that_says_it_otherwise_meanwhile_is_shown_before_it_is_answered(
    house: House, waiting: ConsentId, decision: str
) -> None:
    browser, runtime = house.signed_in(), house.runtime
    html = page(browser, waiting)
    old = runtime.catalogue.purpose(PurposeId("debt-advice"))
    said = replace(old.use, en="In other words, for your advice.")
    newer = replace(old, version=old.version + 1, use=said)
    with begin(runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        register_purpose(uow, newer, runtime.catalogue, editorial=True)
    status, shown = send(browser, waiting, html, decision)
    assert status == 409
    assert "Something changed while you were reading" in shown
    assert "In other words, for your advice." in shown
    assert stored(house, waiting).status is Status.REQUESTED
    assert send(browser, waiting, page(browser, waiting), decision)[0] == 303


def test_refusing_works_although_a_value_changed(
    house: House, person: PersonId, waiting: ConsentId
) -> None:
    browser = house.signed_in()
    html = page(browser, waiting)
    house.clock.advance(minutes=1)
    house.deposit(person, {**VALUES, "income.monthly_gross": 999_999})
    assert send(browser, waiting, html, "refuse")[0] == 303


def test_a_page_that_was_open_too_long_is_shown_anew(house: House, waiting: ConsentId) -> None:
    browser = house.signed_in()
    html = page(browser, waiting)
    for _ in range(4):
        house.clock.advance(minutes=10)
        browser.get("/en/settings")
    status, said = send(browser, waiting, html, "give")
    assert status == 409
    assert "the page was open too long" in said
    assert stored(house, waiting).status is Status.REQUESTED


@pytest.mark.parametrize(
    ("decision", "ticked"),
    [
        ("", ()),
        ("maybe", ()),
        ("give", ("person.identity_code",)),
        ("give", ("no.such",)),
        ("give", ("",)),
    ],
)
def test_an_answer_that_no_page_offers_changes_nothing(
    house: House, waiting: ConsentId, decision: str, ticked: tuple[str, ...]
) -> None:
    browser = house.signed_in()
    status, said = send(browser, waiting, page(browser, waiting), decision, *ticked)
    assert status == 409
    assert "Your answer was not taken" in said
    assert stored(house, waiting).status is Status.REQUESTED


def test_ticking_nothing_where_all_is_optional_is_asked_again(
    house: House, person: PersonId
) -> None:
    waiting = house.request(person, "debt-advice", (OPTIONAL,))
    browser = house.signed_in()
    html = page(browser, waiting)
    assert "Give ticked data" in html
    status, said = send(browser, waiting, html, "give")
    assert status == 409
    assert "You ticked nothing" in said


@pytest.mark.parametrize("form", ["", "made.up"])
def test_a_form_that_is_not_ours_changes_nothing(
    house: House, waiting: ConsentId, form: str
) -> None:
    browser = house.signed_in()
    answer = browser.post(f"/en/requests/{waiting}", data={"form": form, "decision": "give"})
    assert answer.status_code == 409
    assert stored(house, waiting).status is Status.REQUESTED


def test_another_person_sees_nothing_of_it_and_cannot_answer(
    house: House, waiting: ConsentId
) -> None:
    html = page(house.signed_in(), waiting)
    stranger = house.signed_in(VILLE)
    assert stranger.get(f"/en/requests/{waiting}").status_code == 404
    assert send(stranger, waiting, html, "give")[0] == 404
    assert stored(house, waiting).status is Status.REQUESTED


def test_a_request_that_ran_out_is_not_asked_any_more(house: House, waiting: ConsentId) -> None:
    house.clock.advance(days=15)
    browser = house.signed_in()
    assert "does not wait for an answer any more" in words_of(page(browser, waiting))
    assert "Nothing waits for your answer" in words_of(browser.get("/en/requests").text)


def test_sensitive_values_are_not_in_the_page_before_they_are_asked_for(
    house: House, person: PersonId
) -> None:
    waiting = house.request(person, "clinic-diabetes-care")
    browser = house.signed_in()
    masked = words_of(page(browser, waiting)).replace("\u00a0", " ")
    for value in ["6,4", "7,1", "88", "20/11/2026"]:
        assert value not in masked
    assert masked.count("Hidden until you ask to see it") == 4
    opened = press(browser, waiting, page(browser, waiting), "show").text
    assert "6,4 mmol/l" in words_of(opened)
    assert "Hidden until" not in opened
    last, *before = [each for each in log(house, person) if each.kind is Kind.DATA_VIEWED]
    assert "glucose.latest_value" in last.many("attributes")
    assert all("glucose.latest_value" not in each.many("attributes") for each in before)


def test_showing_the_hidden_values_keeps_the_ticks_and_answers_nothing(
    house: House, person: PersonId
) -> None:
    waiting = house.request(person, "clinic-diabetes-care")
    browser = house.signed_in()
    optional = boxes_of(page(browser, waiting))
    first, second = optional[:2]
    shown = press(browser, waiting, page(browser, waiting), "show", first)
    assert (shown.status_code, ticks_of(shown.text)) == (200, [first])
    assert "Hidden until" not in shown.text
    hidden = press(browser, waiting, shown.text, "hide", first, second)
    assert ticks_of(hidden.text) == [first, second]
    assert "6,4" not in hidden.text
    assert stored(house, waiting).status is Status.REQUESTED
    assert press(browser, waiting, hidden.text, "give", first).status_code == 303
    assert second in stored(house, waiting).refused


def test_an_answer_that_is_not_taken_keeps_the_ticks(house: House, waiting: ConsentId) -> None:
    browser = house.signed_in()
    html = page(browser, waiting)
    for _ in range(4):
        house.clock.advance(minutes=10)
        browser.get("/en/settings")
    assert ticks_of(press(browser, waiting, html, "give", OPTIONAL).text) == [OPTIONAL]


def test_a_page_of_an_earlier_sign_in_is_told_to_be_too_old(
    house: House, waiting: ConsentId
) -> None:
    html = page(house.signed_in(), waiting)
    status, said = send(house.signed_in(), waiting, html, "give")
    assert status == 409
    assert "the page was open too long" in said


def test_enter_in_a_box_presses_no_answer(house: House, waiting: ConsentId) -> None:
    """The first button of a form is its default one (HTML, implicit submission)."""
    form = page(house.signed_in(), waiting).split(f'action="/en/requests/{waiting}"')[1]
    first = re.findall(r"<button[^>]*>", form)[0]
    assert 'value="hide"' in first
    assert "disabled" not in first


def test_a_weaker_sign_in_is_told_before_it_is_sent_to_a_stronger_one(
    house: House, person: PersonId
) -> None:
    waiting = house.request(person, "clinic-diabetes-care")
    browser = house.signed_in(loa=LevelOfAssurance.SUBSTANTIAL)
    html = page(browser, waiting)
    assert "A stronger sign-in is needed" in html
    assert "6,4" not in html
    assert f"loa=high&amp;return_to=%2Fen%2Frequests%2F{waiting}" in html
    assert not [each for each in log(house, person) if each.kind is Kind.DATA_VIEWED]


def test_what_is_not_held_is_said(house: House) -> None:
    person = house.person()
    waiting = house.request(person, "debt-advice")
    words = words_of(page(house.signed_in(), waiting))
    assert words.count("We do not hold this") == 4


def test_a_protected_value_is_told_to_stay(house: House) -> None:
    person = house.person(VILLE)
    house.deposit(person, protected=True)
    waiting = house.request(person, "city-housing-support")
    words = words_of(page(house.signed_in(VILLE), waiting))
    assert "Protected for your safety" in words
    assert "it stays with us" in words


def test_a_protected_value_is_hidden_until_asked_for_and_is_nothing_to_tick(
    house: House,
) -> None:
    person = house.person(VILLE)
    house.deposit(person, protected=True)
    waiting = house.request(person, "city-housing-support")
    browser = house.signed_in(VILLE)
    html = page(browser, waiting)
    assert "Esimerkkikatu" not in html
    assert boxes_of(html) == ["income.benefit_monthly"]
    shown = press(browser, waiting, html, "show").text
    assert "Esimerkkikatu 1 A 2" in shown
    assert boxes_of(shown) == ["income.benefit_monthly"]


def test_where_a_marked_person_is_found_is_protected_without_a_mark_of_its_own(
    house: House,
) -> None:
    """The release withholds it, so the page neither offers nor shows it."""
    person = house.person(VILLE)
    house.deposit(person, {"residence.street_address": "Esimerkkikatu 1 A 2"}, protected=True)
    house.clock.advance(minutes=1)
    house.deposit(person, {"residence.city": "Toinen"})
    waiting = house.request(person, "city-housing-support")
    html = page(house.signed_in(VILLE), waiting)
    assert "Toinen" not in html
    assert "residence.city" not in boxes_of(html)


def test_what_the_law_decides_is_never_a_request(house: House) -> None:
    words = words_of(house.signed_in().get("/en/by-law").text)
    assert "This is not a question." in words
    html = house.signed_in().get("/en/by-law").text.split("<main")[1]
    assert "<form" not in html
    assert "<button" not in html


def test_a_request_can_be_put_off_and_comes_back_to_the_overview(house: House) -> None:
    consent_id = house.request(house.person(), "bank-loan-offer")
    browser = house.signed_in()
    address = f"/en/requests/{consent_id}"
    assert address in browser.get("/en/").text
    form = form_of(browser.get(address).text, address)
    answer = browser.post(address, data={**form, "decision": "later"})
    assert answer.headers["location"] == "/en/requests"
    assert address not in browser.get("/en/").text
    assert "You put this off" in words_of(browser.get("/en/requests").text)
    form = form_of(browser.get(address).text, address)
    browser.post(address, data={**form, "decision": "back"})
    assert address in browser.get("/en/").text


def test_what_was_put_off_is_shown_again_after_three_days(house: House) -> None:
    consent_id = house.request(house.person(), "bank-loan-offer")
    browser = house.signed_in()
    address = f"/en/requests/{consent_id}"
    form = form_of(browser.get(address).text, address)
    browser.post(address, data={**form, "decision": "later"})
    house.clock.advance(days=3)
    assert address in house.signed_in().get("/en/").text


@pytest.mark.parametrize("decision", ["later", "back"])
def test_what_was_answered_meanwhile_can_be_neither_put_off_nor_brought_back(
    house: House, decision: str
) -> None:
    consent_id = house.request(house.person(), "bank-loan-offer")
    browser = house.signed_in()
    address = f"/en/requests/{consent_id}"
    late, form = (form_of(browser.get(address).text, address) for _ in range(2))
    assert browser.post(address, data={**form, "decision": "refuse"}).status_code == 303
    assert browser.post(address, data={**late, "decision": decision}).status_code == 409


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fi", "Enemmän kuin tavallisesti Viranomaisen käsittelemä asia."),
        ("sv", "Mer än vanligt Ärende hos en myndighet."),
        ("en", "More than is usual A matter at an authority."),
    ],
)
def test_more_than_is_usual_is_marked(
    house: House, person: PersonId, language: str, said: str
) -> None:
    declared = house.runtime.catalogue.purposes[PurposeId("debt-advice")]
    often = replace(declared, version=declared.version + 1, max_uses=12)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        register_purpose(uow, often, house.runtime.catalogue)
    html = page(house.signed_in(), house.request(person, "debt-advice"), language=language)
    assert said in words_of(html)


def test_what_is_usual_is_not_marked(house: House, waiting: ConsentId) -> None:
    assert "More than is usual" not in page(house.signed_in(), waiting)

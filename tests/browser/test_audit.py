"""The auditor's answers: found entries, a fault and a sample, by keyboard and on a small screen."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_look import LANGUAGES, LOOK, MODES, RULES, axe
from tests.service.house import VILLE

pytestmark = pytest.mark.browser


def search(page: Page, language: str, **fields: str) -> None:
    page.goto(f"/{language}/audit")
    page.locator("#search-reason").select_option(fields.pop("reason", "complaint"))
    for name, value in fields.items():
        page.locator(f"#search-{name}").fill(value)
    page.locator("form:has(#search-reason) button").click()
    page.wait_for_load_state()


def draw(page: Page, language: str) -> None:
    page.goto(f"/{language}/audit")
    page.locator("#sample-reason").select_option("sample")
    page.locator("#sample-count").fill("5")
    page.locator("form:has(#sample-reason) button").click()
    page.wait_for_load_state()


def answers(page: Page, language: str) -> list[str]:
    """Go to each answer, and say what is wrong with its look."""
    found = []
    for name, go in ANSWERS.items():
        go(page, language)
        found += [f"{name}: {each}" for each in page.evaluate(LOOK)]
    return found


ANSWERS = {
    "found": search,
    "nothing": lambda page, language: search(page, language, since="2030-01-01"),
    "fault": lambda page, language: search(page, language, person="nobody", event="x"),
    "sample": draw,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_nothing_is_wrong_with_the_look_of_an_answer(
    site: Site, language: str, width: int, scheme: str
) -> None:
    with site.visit(width=width, scheme=scheme, identifier=VILLE) as page:
        found = answers(page, language)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_axe_finds_nothing_in_an_answer(site: Site, language: str, width: int, scheme: str) -> None:
    found = []
    rules = {**RULES, "rules": {"target-size": {"enabled": True}}}
    with site.visit(width=width, scheme=scheme, identifier=VILLE, script=True) as page:
        for name, go in ANSWERS.items():
            go(page, language)
            page.evaluate(axe())
            result = page.evaluate("rules => axe.run(rules)", rules)
            found += [
                f"{name}: {each['id']} {[node['target'] for node in each['nodes']][:2]}"
                for each in result["violations"]
            ]
    assert not found, "\n".join(found)


def test_a_search_and_a_look_at_one_person_by_keyboard_without_script(site: Site) -> None:
    with site.visit(identifier=VILLE) as page:
        page.goto("/en/audit")
        page.locator("#search-reason").focus()
        page.keyboard.press("R")  # Routine check
        page.locator("#search-result").focus()
        page.keyboard.press("D")  # Data released
        page.keyboard.press("Enter")
        page.locator("form:has(#search-reason) button").press("Enter")
        row = page.get_by_role("button", name="All entries about").first
        row.focus()
        row.press("Enter")
        expect(page.get_by_role("heading", name="Results")).to_be_visible()
        expect(page.locator("#search-reason")).to_have_value("routine-control")
        assert "p-" not in page.url


def test_a_sample_is_taken_out_as_a_file(site: Site) -> None:
    with site.visit(identifier=VILLE) as page:
        draw(page, "en")
        with page.expect_download() as download:
            page.get_by_role("button", name="With proofs, for programs (JSON)").click()
        assert download.value.suggested_filename.endswith(".json")

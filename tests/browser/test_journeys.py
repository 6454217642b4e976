"""Whole ways through the pages, without script, by mouse and by keyboard alone."""

import re

import pytest
from playwright.sync_api import Page, Request, expect

from connectors.sign_in_errors import SignInCancelledError
from tests.browser.conftest import Site
from tests.service.house import VILLE

pytestmark = pytest.mark.browser

MOST_TABS = 60


def tab_to(page: Page, label: str) -> int:
    """Press Tab until the focus is on what is called so; how often it was pressed."""
    for pressed in range(1, MOST_TABS):
        page.keyboard.press("Tab")
        focused: str = page.evaluate(
            "() => { const e = document.activeElement;"
            " return (e.labels?.[0] ?? e).textContent.trim() }"
        )
        if focused.startswith(label):
            return pressed
    raise AssertionError(f"{label} is not reached by keyboard")


@pytest.mark.parametrize("width", [320, 1280])
def test_giving_and_refusing_take_one_press_each(site: Site, width: int) -> None:
    given, refused = site.request(), site.request("employment-service-plan")
    with site.visit(width=width) as page:
        page.goto(f"/en/requests/{given}")
        page.get_by_role("button", name="Give needed and ticked data").click()
        expect(page.get_by_role("status")).to_contain_text("You gave the data")
        page.goto(f"/en/requests/{refused}")
        page.get_by_role("button", name="Give nothing").click()
        expect(page.get_by_role("status")).to_contain_text("You gave nothing")


def test_withdrawing_takes_one_press_from_the_list_that_is_one_press_from_the_front(
    site: Site,
) -> None:
    given = site.request()
    with site.visit() as page:
        page.goto(f"/en/requests/{given}")
        page.get_by_role("button", name="Give needed").click()
        page.goto("/en/")
        page.get_by_role("navigation").get_by_role("link", name="Permissions").click()
        page.locator(f"#c-{given}").get_by_role("button", name="Withdraw").click()
        expect(page.get_by_role("status")).to_contain_text("can fetch nothing more")


def test_ticking_one_box_gives_that_one(site: Site) -> None:
    waiting = site.request()
    with site.visit() as page:
        page.goto(f"/en/requests/{waiting}")
        page.get_by_label("Income per year").check()
        page.get_by_role("button", name="Give needed and ticked data").click()
        given = page.locator("dt", has_text=re.compile("^Data that you gave$")).locator("+ dd")
        expect(given).to_contain_text("Income per year")


def test_enter_in_a_box_gives_nothing_away(site: Site) -> None:
    waiting = site.request()
    with site.visit() as page:
        page.goto(f"/en/requests/{waiting}")
        box = page.get_by_label("Income per year")
        box.check()
        with page.expect_navigation():
            box.press("Enter")
        assert page.url.endswith(f"/en/requests/{waiting}#data")
        expect(box).to_be_checked()
        page.goto("/en/requests")
        expect(page.locator(f'a[href$="{waiting}"]')).to_be_visible()


def test_ticks_stay_when_the_hidden_values_are_shown_and_no_address_tells_of_them(
    site: Site,
) -> None:
    waiting = site.request("clinic-diabetes-care")
    with site.visit() as page:
        page.goto(f"/en/requests/{waiting}")
        box = page.get_by_role("checkbox").first
        box.check()
        page.get_by_role("button", name="Show the hidden values").click()
        expect(box).to_be_checked()
        assert page.url.endswith(f"/en/requests/{waiting}#data")
        expect(page.locator("main")).not_to_contain_text("Hidden until")
        page.get_by_role("button", name="Hide the sensitive values").click()
        expect(box).to_be_checked()


def test_going_back_and_pressing_again_shows_the_first_receipt(site: Site) -> None:
    waiting = site.request()
    with site.visit() as page:
        page.goto(f"/en/requests/{waiting}")
        page.get_by_role("button", name="Give nothing").click()
        first = page.url
        page.go_back()
        expect(page.locator("main")).to_contain_text("does not wait for an answer any more")
        page.go_forward()
        assert page.url == first


def test_pressing_twice_quickly_answers_once(site: Site) -> None:
    waiting = site.request()
    with site.visit() as page:
        page.goto(f"/en/requests/{waiting}")
        page.get_by_role("button", name="Give nothing").dblclick(no_wait_after=True)
        expect(page.get_by_role("status")).to_contain_text("You gave nothing")
        page.goto("/en/receipts")
        link = page.get_by_role("link", name="Financial and debt counselling")
        assert link.count() >= 1


def test_the_whole_answer_works_by_keyboard_and_the_focus_is_always_seen(site: Site) -> None:
    waiting = site.request()
    with site.visit() as page:
        page.goto(f"/en/requests/{waiting}")
        assert tab_to(page, "Skip to the content") == 1
        page.keyboard.press("Enter")
        tab_to(page, "Income per year")
        page.keyboard.press("Space")
        expect(page.get_by_label("Income per year")).to_be_checked()
        tab_to(page, "Give needed and ticked data")
        outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("You gave the data")


def test_the_keyboard_gets_through_every_page_and_out_again(site: Site) -> None:
    with site.visit() as page:
        for path in [
            "/en/",
            f"/en/requests/{site.waiting}",
            "/en/consents",
            "/en/data",
            f"/en/log/{site.line}",
        ]:
            page.goto(path)
            reached = []
            for _ in range(MOST_TABS):
                page.keyboard.press("Tab")
                hidden = page.evaluate(
                    "() => { const e = document.activeElement, s = getComputedStyle(e);"
                    " return e !== document.body && s.outlineStyle === 'none' }"
                )
                assert not hidden, path
                reached.append(page.evaluate("() => document.activeElement.outerHTML"))
            stops = page.locator("a[href], button, summary, input:not([type=hidden])").count()
            assert len(set(reached) - {""}) >= min(stops, MOST_TABS) - 1, path


def test_a_line_of_the_log_is_checked_by_keyboard_and_its_proof_downloaded(site: Site) -> None:
    with site.visit(width=320) as page:
        page.goto("/en/log")
        link = page.locator(f'a[href="/en/log/{site.line}"]')
        link.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("This line is proven")
        tab_to(page, "The line with its proof (JSON)")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == "proof.json"
        tab_to(page, "Show the proof to others")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="The proof (tlog-proof)")).to_be_visible()


def test_a_line_that_waits_is_tried_again_without_script(site: Site) -> None:
    with site.visit() as page:
        page.goto(f"/en/log/{site.queued}")
        page.get_by_role("link", name="Check again").click()
        expect(page.get_by_role("status")).to_contain_text("try again in a minute")


def test_the_language_changes_and_the_page_stays(site: Site) -> None:
    with site.visit() as page:
        page.goto(f"/en/requests/{site.waiting}")
        page.get_by_role("link", name="På svenska").click()
        assert page.url.endswith(f"/sv/requests/{site.waiting}")
        expect(page.locator("html")).to_have_attribute("lang", "sv")
        expect(page.get_by_role("button", name="Lämna ingenting")).to_be_visible()


def test_a_page_takes_few_requests_from_us_alone_and_one_cookie(site: Site) -> None:
    seen: list[Request] = []
    with site.visit(script=True) as page:
        errors: list[str] = []
        page.on("request", lambda request: seen.append(request))
        page.on("console", lambda message: errors.append(message.text))
        page.goto(f"/en/requests/{site.waiting}", wait_until="networkidle")
        assert len(seen) <= 8
        assert {each.url.split("/")[2] for each in seen} == {site.url.split("/")[2]}
        assert errors == []
        assert [each["name"] for each in page.context.cookies()] == ["session"]
        # The browser gives up its own request for the icon, now and then: that one has no answer.
        answered = [each for each in seen if each.response()]
        assert len(answered) >= len(seen) - 1
        assert sum(each.sizes()["responseBodySize"] for each in answered) <= 100_000


def test_signing_out_leaves_nothing_to_go_back_to(site: Site) -> None:
    with site.visit() as page:
        page.goto("/en/data")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You decide who gets your data")
        site.house.provider.failure = SignInCancelledError()
        page.go_back()
        site.house.provider.failure = None
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in did not succeed")


def test_the_auditor_exports_the_log_from_the_page(site: Site) -> None:
    with site.visit(identifier=VILLE) as page:
        page.goto("/en/audit")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export the log with its proofs").click()
        assert download.value.suggested_filename.endswith(".zip")

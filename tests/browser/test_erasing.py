"""Erasing in a browser without script: no is as easy as yes, and the statement is there to keep."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def test_a_person_keeps_then_erases_a_group_and_then_everything(site: Site) -> None:
    with site.visit() as page:
        page.goto("/en/data")
        page.get_by_role("link", name="Erase my data, or a part of it").click()
        page.get_by_role("link", name="Erase this group – Income").click()
        buttons = page.get_by_role("main").get_by_role("button")
        expect(buttons).to_have_count(2)
        keep = page.get_by_role("button", name="Keep this group")
        erase = page.get_by_role("button", name="Erase this group")
        looks = [
            each.evaluate(
                "e => { const s = getComputedStyle(e), b = e.getBoundingClientRect();"
                " return [b.height, s.color, s.backgroundColor, s.fontSize, s.fontWeight] }"
            )
            for each in (keep, erase)
        ]
        assert looks[0] == looks[1]
        keep.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("My data")
        page.goto("/en/data/erase/income")
        page.get_by_role("button", name="Erase this group").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Erased")
        page.goto("/en/data/erase/everything")
        page.get_by_role("button", name="Erase everything").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Erased")
        expect(page).to_have_url(re.compile(r"/en/erasures/[0-9a-f-]{36}$"))
        assert page.context.cookies() == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the signed statement").click()
        assert download.value.suggested_filename.endswith(".jws")

"""Every page in every language, narrow and wide, light and dark: readable, named, in its frame."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site
from tests.service.house import AINO, VILLE

pytestmark = pytest.mark.browser

LOOK = Path(__file__).with_name("look.js").read_text()
LANGUAGES = ["fi", "sv", "en"]
MODES = [(320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")]
CITIZEN = [
    "",
    "requests",
    "requests/{waiting}",
    "consents",
    "receipts",
    "log",
    "log?show=all",
    "log/{line}",
    "log/{queued}",
    "data",
    "data?show=all",
    "data/copy",
    "data/of/income.monthly_gross",
    "data/erase",
    "data/erase/income",
    "data/erase/everything",
    "by-law",
    "settings",
    "nowhere",
]
STAFF = ["audit", "operator", "operator/merges"]
AXE = files("axe_playwright_python") / "axe.min.js"
"""axe-core 4.12, from a wheel that carries it."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@cache
def axe() -> str:
    return AXE.read_text()


def faults(page: Page, path: str) -> list[str]:
    page.goto(path)
    found: list[str] = page.evaluate(LOOK)
    return [f"{path}: {each}" for each in found]


def paths(site: Site, language: str, pages: list[str]) -> list[str]:
    return [
        f"/{language}/{each.format(waiting=site.waiting, line=site.line, queued=site.queued)}"
        for each in pages
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_nothing_is_wrong_with_the_look_of_any_page(
    site: Site, language: str, width: int, scheme: str
) -> None:
    found: list[str] = []
    for person, pages in ((AINO, CITIZEN), (VILLE, STAFF), (None, [""])):
        with site.visit(width=width, scheme=scheme, identifier=person) as page:
            for path in paths(site, language, pages):
                found += faults(page, path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_of_the_copy_is_readable_as_a_file(site: Site, language: str, width: int) -> None:
    """It has no frame of ours; everything else holds for it too."""
    with site.visit(width=width, script=True) as page:
        copy = page.request.get(f"/{language}/data/copy.html").text()
        page.goto("about:blank")  # away from the service, as a file is
        page.set_content(copy)
        found = [each for each in page.evaluate(LOOK) if not each.startswith("not one")]
        page.evaluate(axe())
        found += [each["id"] for each in page.evaluate("r => axe.run(r)", RULES)["violations"]]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_wider_letters_and_lines_break_nothing_on_a_small_screen(site: Site, language: str) -> None:
    """WCAG 2.2 success criterion 1.4.12."""
    spaced = (
        "* { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
        " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"
    )
    with site.visit(width=320, script=True) as page:
        for path in paths(site, language, CITIZEN):
            page.goto(path)
            page.evaluate(
                "css => { const s = new CSSStyleSheet(); s.replaceSync(css);"
                " document.adoptedStyleSheets = [s] }",
                spaced,
            )
            assert [f for f in page.evaluate(LOOK) if f.startswith("sideways")] == [], path


def test_forced_colours_keep_the_answers_apart_from_the_page(site: Site) -> None:
    with site.visit(forced_colors="active") as page:
        page.goto(f"/en/requests/{site.waiting}")
        widths = page.evaluate(
            "() => [...document.querySelectorAll('.choice')]"
            ".map(e => getComputedStyle(e).borderTopWidth)"
        )
        assert widths
        assert "0px" not in widths


def test_the_two_answers_have_one_size_and_one_colour(site: Site) -> None:
    for width in (320, 1280):
        with site.visit(width=width) as page:
            page.goto(f"/sv/requests/{site.waiting}")
            looks = page.evaluate(
                "() => [...document.querySelectorAll('.choice')].map(e => {"
                " const s = getComputedStyle(e), b = e.getBoundingClientRect();"
                " return [b.width, b.height, s.color, s.backgroundColor, s.fontSize, s.fontWeight]"
                "})"
            )
            assert len(looks) == 2
            assert looks[0] == looks[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_axe_finds_nothing(site: Site, language: str, width: int, scheme: str) -> None:
    found = []
    for person, pages in ((AINO, CITIZEN), (VILLE, STAFF), (None, [""])):
        with site.visit(width=width, scheme=scheme, identifier=person, script=True) as page:
            for path in paths(site, language, pages):
                page.goto(path)
                page.evaluate(axe())
                result = page.evaluate(
                    "rules => axe.run({...rules, rules: {'target-size': {enabled: true}}})", RULES
                )
                found += [
                    f"{path}: {each['id']} {[node['target'] for node in each['nodes']][:2]}"
                    for each in result["violations"]
                ]
    assert not found, "\n".join(found)

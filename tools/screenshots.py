"""Take the README's pictures: start a demo, walk through it in Chromium, write docs/images.

Run it after a change of the pages: `uv run python tools/screenshots.py`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import CHROMIUM, QUIET  # noqa: E402  # the tests' folder is no package of ours
from tests.running import RunningDemo, running  # noqa: E402

IMAGES = ROOT / "docs" / "images"
_PATIENCE_SECONDS = 20
WIDE, NARROW = {"width": 1000, "height": 760}, {"width": 320, "height": 640}


def main() -> None:
    chromium = next(path for path in map(shutil.which, CHROMIUM) if path)
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "demo") as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        citizen(browser, demo)
        auditor(browser, demo)
        browser.close()


def citizen(browser: Browser, demo: RunningDemo) -> None:
    """Matti answers a request, follows the link back, and looks at his log."""
    page = browser.new_page(viewport=WIDE)  # type: ignore[arg-type]  # a plain dict will do
    page.goto(demo.link("Matti"))
    take(page, "home")
    page.goto(demo.page("requests"))
    page.locator("main a[href*='/requests/']").last.click()
    take(page, "request")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    take(page, "request-narrow", whole=False)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.locator("button[name=decision][value=give]").click()
    take(page, "receipt")
    page.locator("a[href^='/oauth/return/']").click()
    take(page, "agency")
    page.goto(demo.page("consents"))
    take(page, "consents")
    page.goto(demo.page("log"))
    take(page, "log", whole=False)
    checked(page)
    page.close()


def checked(page: Page) -> None:
    """The check of an old line: its tree was stamped already, or is in a moment."""
    page.locator("main a[href*='/log/']").last.click()
    stamped = page.get_by_text("A clock outside has stamped")
    for _ in range(_PATIENCE_SECONDS):
        if stamped.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    take(page, "check")


def auditor(browser: Browser, demo: RunningDemo) -> None:
    page = browser.new_page(viewport=WIDE)  # type: ignore[arg-type]
    page.goto(demo.link("Auli"))
    page.wait_for_timeout(1000 * _PATIENCE_SECONDS)  # until what just happened was read again
    page.reload()
    take(page, "audit", whole=False)
    page.close()


def take(page: Page, name: str, *, whole: bool = True) -> None:
    page.screenshot(path=IMAGES / f"{name}.png", full_page=whole)
    print(f"{name}.png")


if __name__ == "__main__":
    main()

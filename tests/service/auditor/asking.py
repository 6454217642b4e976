"""An auditor at the page and at the API, and what the log says of her."""

import re
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.testclient import TestClient

from audit.model import Entry, Kind
from audit.reader import search
from tests.service.house import House, form_of, words_of


@dataclass(frozen=True, slots=True)
class Auditor:
    """A browser in which an auditor is signed in."""

    house: House
    browser: TestClient

    def form(self, action: str = "/en/audit#results") -> dict[str, str]:
        return form_of(self.browser.get("/en/audit").text, action)

    def search(self, *, reason: str = "complaint", **fields: str) -> httpx2.Response:
        """The search form, sent."""
        sent = {**self.form(), "reason": reason, **fields}
        return self.browser.post("/en/audit", data=sent)

    def sample(self, path: str = "/en/audit/sample", **fields: str) -> httpx2.Response:
        sent = {**self.form("/en/audit/sample"), "reason": "sample", **fields}
        return self.browser.post(path, data=sent)

    def ask(self, what: str = "entries", **members: Any) -> httpx2.Response:
        """A question to the API."""
        return self.browser.post(f"/api/v1/audit/{what}", json={"reason": "complaint", **members})

    def looks(self, kind: Kind = Kind.LOG_SEARCHED) -> list[Entry]:
        """The events of looks, newest first."""
        with self.house.runtime.ledger.read() as connection:
            return search(connection, self.house.runtime.ledger, kind=kind)


def rows(html: str) -> list[str]:
    """The rows of the table, as words."""
    return [words_of(each) for each in re.findall(r"<tr>\s*<td>.*?</tr>", html, re.DOTALL)]

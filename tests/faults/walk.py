"""A browser that keeps everything it met: addresses, redirects, headers, titles, pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urljoin

import httpx2

from tests.service.office import ISSUER
from tests.visitor import Page


@dataclass
class Met:
    """One answer."""

    url: str
    status: int
    headers: str
    title: str
    body: bytes = field(repr=False)


@dataclass
class Walk:
    """Goes to the vault, which stands at another address than its name, and to its provider."""

    client: httpx2.Client
    met: list[Met] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """Go there, and on to wherever we are sent."""
        return self._go("GET", url, None, headers or {})

    def post(self, url: str, fields: Mapping[str, str], **headers: str) -> Page:
        return self._go("POST", url, fields, headers)

    def _go(
        self, method: str, url: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Page:
        answer = self._send(method, urljoin(ISSUER, url), fields, headers)
        for _ in range(10):
            if not answer.has_redirect_location:
                return Page(self.met[-1].url, answer.status_code, answer.text)
            target = urljoin(self.met[-1].url, answer.headers["location"])
            if not self._is_known(target):
                return Page(target, answer.status_code, "")
            answer = self._send("GET", target, None, {})
        raise AssertionError("sent around in a circle")

    def _send(
        self, method: str, url: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> httpx2.Response:
        own = {"sec-fetch-site": "same-origin", "origin": ISSUER} if url.startswith(ISSUER) else {}
        if own and self.cookies:
            own["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        place = url.removeprefix(ISSUER) or "/"
        answer = self.client.request(method, place, data=fields, headers=own | dict(headers))
        for line in answer.headers.get_list("set-cookie"):
            self.cookies |= {name: each.value for name, each in SimpleCookie(line).items()}
        title = re.search(r"<title>(.*?)</title>", answer.text, re.DOTALL)
        lines = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        self.met.append(
            Met(url, answer.status_code, lines, title[1] if title else "", answer.content)
        )
        return answer

    def _is_known(self, url: str) -> bool:
        return url.startswith((ISSUER, "http://127.0.0.1:"))

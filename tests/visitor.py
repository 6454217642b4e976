"""A person with a browser that has no script: follows links, fills in forms, keeps cookies.

Reads pages the way a browser does, from the HTML alone, so that a page works here only when it
works without JavaScript.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx2


@dataclass(slots=True)
class Button:
    """A button that sends its form."""

    name: str | None
    value: str
    label: str = ""


@dataclass(slots=True)
class Form:
    """A form as it stands on the page."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[tuple[str, str]] = field(default_factory=list)
    """Checkboxes and radio buttons that are not ticked."""
    buttons: list[Button] = field(default_factory=list)


class Page(HTMLParser):
    """What a visitor sees of a page: text, links, forms, title."""

    def __init__(self, url: str, status: int, html: str) -> None:
        super().__init__()
        self.url, self.status, self.html = url, status, html
        self.text = ""
        self.title = ""
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self._open: list[str] = []
        self._href: str | None = None
        self._label = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._open.append(tag)
        if tag == "a" and "href" in found:
            self._href, self._label = urljoin(self.url, found["href"]), ""
        elif tag == "form":
            action = urljoin(self.url, found.get("action", ""))
            self.forms.append(Form(action, found.get("method", "get").lower()))
        elif tag == "button" and self.forms:
            button = Button(found.get("name"), found.get("value", ""))
            self.forms[-1].buttons.append(button)
            self._label = ""
        elif tag == "input" and self.forms:
            self._input(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href is not None:
            self.links.append((self._label.strip(), self._href))
            self._href = None
        elif tag == "button" and self.forms and self.forms[-1].buttons:
            self.forms[-1].buttons[-1].label = self._label.strip()
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.title += data
        elif "style" not in self._open and "script" not in self._open:
            self.text += data
            self._label += data

    def link(self, part: str) -> str:
        """The address of the first link whose text or address holds the words."""
        for label, address in self.links:
            if part in label or part in address:
                return address
        raise AssertionError(f"no link with {part!r} on {self.title!r}: {self.links}")

    def form(self, part: str = "") -> Form:
        """The first form that posts to an address with these words."""
        for found in self.forms:
            if found.method == "post" and part in found.action:
                return found
        raise AssertionError(f"no form with {part!r} on {self.title!r}")

    def _input(self, found: dict[str, str]) -> None:
        kind, name = found.get("type", "text"), found.get("name", "")
        value = found.get("value", "on" if kind in {"checkbox", "radio"} else "")
        form = self.forms[-1]
        if kind in {"checkbox", "radio"} and "checked" not in found:
            form.boxes.append((name, value))
        elif kind == "submit":
            form.buttons.append(Button(name or None, value, value))
        elif name:
            form.fields.append((name, value))


class Visitor:
    """A browser without script for one person."""

    def __init__(self) -> None:
        self.client = httpx2.Client(follow_redirects=True, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.client.close()

    def open(self, url: str) -> Page:
        """Go to an address."""
        return self._read(self.client.get(url))

    def send(self, page: Page, form: Form, *, tick: str = "", button: str = "") -> Page:
        """Send a form: tick the boxes whose value holds `tick`, press the button with the value."""
        fields = list(form.fields)
        fields += [box for box in form.boxes if tick and tick in box[1]]
        fields += [
            (b.name, b.value) for b in form.buttons if b.name and button and b.value == button
        ]
        origin = "/".join(form.action.split("/")[:3])
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin", "Referer": page.url}
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        return self._read(self.client.post(form.action, data=data, headers=headers))

    @staticmethod
    def _read(response: httpx2.Response) -> Page:
        return Page(str(response.url), response.status_code, response.text)

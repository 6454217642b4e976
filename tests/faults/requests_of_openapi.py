"""Requests by schemathesis against every operation, and what makes them reach further in.

The published OpenAPI describes what programs use. For the pages a description is made from the
same routes, so that no endpoint is left out. Half of what is sent fits the description and half
does not; some values are then replaced by real ones, and some callers are real ones, since a
request that is wrong everywhere is refused at the door.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

ISSUER = "https://vault.example.fi"
FORM = "application/x-www-form-urlencoded"
_WORDS = st.text(st.characters(codec="utf-8"), max_size=40)


class Body(bytes):
    """A body whose repr is short."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


TOO_LARGE = Body(b"a" * 70_000)
_NOISE = st.fixed_dictionaries(
    {},
    optional={
        "accept-language": st.from_regex(r"[ -~]{0,80}", fullmatch=True),
        "authorization": st.from_regex(r"(DPoP|Bearer|Basic)? ?[!-~]{0,60}", fullmatch=True),
        "cookie": st.from_regex(r"(__Host-session=)?[!-~]{0,60}", fullmatch=True),
        "content-type": st.sampled_from(
            [FORM, "application/json", "multipart/form-data; boundary=x", "text/plain", ";", "x"]
        ),
        "sec-fetch-site": st.sampled_from(["same-origin", "cross-site", "none", "?"]),
        "origin": st.sampled_from([ISSUER, "null", "https://elsewhere.example"]),
    },
)
_BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([TOO_LARGE, b"%", b"%ff=%fe", b"=&=&&", b"a=1;b=2", b"{}", b"--x\r\n"]),
    st.dictionaries(_WORDS, _WORDS, max_size=60).map(lambda each: urlencode(each).encode()),
)


class _Shown(RouteContext):
    """A route that is described whether or not it says so."""

    include_in_schema = True


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it goes out, by the name of its operation."""

    operation: str
    caller: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def descriptions(app: FastAPI) -> dict[str, Any]:
    """Every operation of the app by its label: `GET /healthz`."""
    routes = [_Shown(each.route, each._route_context) for each in iter_route_contexts(app.routes)]
    described = get_openapi(title="all", version="1", routes=routes)
    schema = schemathesis.openapi.from_dict(described)
    operations: dict[str, Any] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operations[found.ok().label] = found.ok()
    return operations


@st.composite
def requests_of(
    draw: st.DrawFn, operation: Any, real: Mapping[str, str], callers: Sequence[str]
) -> Request:
    """A request to the operation, most often a malformed one."""
    either = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))
    case = draw(either)
    for container in (case.path_parameters, case.query, case.body):
        _put_real_values(draw, container, real)
    made = requests.Request(**case.as_transport_kwargs(base_url=ISSUER)).prepare()
    noise = draw(st.one_of(st.just({}), _NOISE))
    headers = {name.lower(): value for name, value in made.headers.items()} | noise
    body = made.body.encode("utf-8", "replace") if isinstance(made.body, str) else made.body or b""
    if case.method == "POST" and draw(st.integers(0, 9)) == 0:
        body = draw(_BODIES)
        headers.setdefault("content-type", FORM)
    headers.pop("content-length", None)
    return Request(
        operation.label, draw(st.sampled_from(callers)), case.method, made.url or "", headers, body
    )


def _put_real_values(draw: st.DrawFn, container: object, real: Mapping[str, str]) -> None:
    if isinstance(container, dict):
        for name in sorted(set(container) & set(real)):
            if draw(st.booleans()):
                container[name] = real[name]

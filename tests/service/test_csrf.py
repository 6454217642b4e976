"""Whose requests may change something: every pair of headers that a browser can send."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from service.csrf import SameOriginMiddleware, is_same_origin

OWN = "https://vault.example.fi"
SITES = ["same-origin", "none", "same-site", "cross-site", "", "SAME-ORIGIN", None]
ORIGINS = [OWN, "https://evil.example", "http://vault.example.fi", OWN + "/", "null", "", None]
VOUCHED = {("same-origin", OWN), ("same-origin", None), ("none", OWN), ("none", None), (None, OWN)}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_only_what_the_browser_vouches_for_is_our_own(site: str | None, origin: str | None) -> None:
    allowed = is_same_origin(
        sites=[] if site is None else [site], origins=[] if origin is None else [origin], own=OWN
    )
    assert allowed is ((site, origin) in VOUCHED)


def test_a_header_that_stands_twice_vouches_for_nothing() -> None:
    twice = ["same-origin", "same-origin"]
    assert not is_same_origin(sites=twice, origins=[OWN], own=OWN)
    assert not is_same_origin(sites=["same-origin"], origins=[OWN, OWN], own=OWN)


def refuse(_request: Request) -> Response:
    return PlainTextResponse("refused", 403)


def app() -> TestClient:
    def answer(_request: Request) -> Response:
        return PlainTextResponse("done")

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    routes = [Route("/{path:path}", answer, methods=methods)]
    middleware = [Middleware(SameOriginMiddleware, origin=OWN, refusal=refuse)]
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url=OWN)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_is_looked_at(method: str) -> None:
    assert app().request(method, "/en/sign-out").status_code == 403
    good = {"Sec-Fetch-Site": "same-origin", "Origin": OWN}
    assert app().request(method, "/en/sign-out", headers=good).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_pass(method: str) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert app().request(method, "/en/", headers=foreign).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/oauth/token", 200),
        ("/api/v1/data", 200),
        ("/oauthx", 403),
        ("/apis", 403),
        ("/en/oauth/", 403),
        ("//oauth/", 403),
    ],
)
def test_only_the_paths_of_tokens_and_assertions_are_exempt(path: str, status: int) -> None:
    assert app().post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == status

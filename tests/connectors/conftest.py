"""The demo provider on a real socket, and a relying party registered there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from connectors.client_keys import public_jwks
from connectors.demo_data.people import demo_people
from connectors.demo_idp.app import create_demo_idp
from connectors.oidc import OidcProvider
from connectors.oidc_settings import OidcSettings
from connectors.ports import LoginStart
from policies.vocabulary import Language, LevelOfAssurance
from tests.connectors.forger import Forger, forging
from tests.connectors.loopback import free_socket, origin, serving
from tests.connectors.registration import CLIENT, NOW, REDIRECT, new_key


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass(frozen=True)
class Peers:
    """A relying party and the provider that it is registered at."""

    provider: OidcProvider
    settings: OidcSettings
    issue_ticket: Callable[..., str]
    clock: Clock
    client_key: EllipticCurvePrivateKey

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    def begin(
        self, *, loa: LevelOfAssurance = LevelOfAssurance.SUBSTANTIAL, hint: str | None = None
    ) -> LoginStart:
        return self.provider.begin(language=Language.FI, loa=loa, now=self.clock(), login_hint=hint)

    def signed_in(self, start: LoginStart) -> dict[str, str]:
        """The query of the redirect that follows a request with a ticket."""
        return answer_of(httpx2.get(start.url))

    def with_settings(self, **changes: Any) -> OidcProvider:
        return OidcProvider(replace(self.settings, **changes))


def answer_of(response: httpx2.Response) -> dict[str, str]:
    """What the provider sends back through the browser."""
    assert response.status_code == 303
    location = response.headers["location"]
    assert location.startswith(REDIRECT)
    return dict(parse_qsl(urlsplit(location).query))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def demo_server() -> Iterator[Peers]:
    """The demo provider on a socket for the tests of one module."""
    bound, clock = free_socket(), Clock()
    issuer_key, client_key = new_key(), new_key()
    app = create_demo_idp(
        demo_people(),
        issuer=origin(bound),
        client_id=CLIENT,
        client_jwks=public_jwks(client_key),
        redirect_uris=[REDIRECT],
        signing_key=issuer_key,
        clock=clock,
    )
    settings = OidcSettings(
        issuer=origin(bound),
        client_id=CLIENT,
        redirect_uri=REDIRECT,
        signing_key=client_key,
        accept_artificial=True,
    )
    with serving(app, bound):
        yield Peers(OidcProvider(settings), settings, app.state.issue_ticket, clock, client_key)


@pytest.fixture
def peers(demo_server: Peers) -> Peers:
    """The demo provider and its relying party, at nine o'clock."""
    demo_server.clock.now = NOW
    return demo_server


def changed(answer: Mapping[str, str], **members: str) -> dict[str, str]:
    return {**answer, **members}


@pytest.fixture(scope="module")
def forging_server() -> Iterator[Forger]:
    with forging() as made:
        yield made


@pytest.fixture
def forger(forging_server: Forger) -> Forger:
    """A provider that can be told to lie, and is honest until then."""
    forging_server.reset()
    return forging_server

"""The doctor's look at what is around: where people sign in, and where they are sent."""

import socket
from urllib.parse import urlsplit

from service.doctor.finding import Finding
from service.identity import identity_provider
from service.settings import LOOPBACK, Settings, SettingsError


def check_sign_in(settings: Settings) -> Finding:
    """The identity provider's settings can be used; whether it answers is not asked."""
    try:
        provider = identity_provider(settings)
    except SettingsError as error:
        return Finding("sign-in", str(error), "correct the setting (docs/operator.md)")
    if provider is None:
        return Finding("sign-in", "no CONSENT_VAULT_OIDC_ISSUER is set: nobody can sign in")
    return Finding("sign-in", f"at {settings.oidc_issuer}")


def check_port(base_url: str) -> Finding:
    """On loopback: whether something answers where people are sent."""
    if urlsplit(base_url).hostname not in LOOPBACK:
        return Finding("port", f"{base_url} is behind a proxy, not looked at")
    return Finding("port", f"{base_url} {'answers' if answers(base_url) else 'is free'}")


def answers(base_url: str) -> bool:
    """Whether something listens there, if it is on this machine."""
    place = urlsplit(base_url)
    if place.hostname not in LOOPBACK:
        return False
    try:
        socket.create_connection((place.hostname, place.port or 80), timeout=1).close()
    except OSError:
        return False
    return True

"""One client's registration at a provider, and the time of the tests."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)

CLIENT = "consent-vault"
REDIRECT = "http://127.0.0.1:8460/sign-in/answer"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def new_key() -> EllipticCurvePrivateKey:
    """A key such as a client or a provider signs with."""
    return generate_private_key(SECP256R1())

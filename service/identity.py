"""The identity provider that the settings name."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.bounded_http import InsecureUrlError
from connectors.client_keys import SigningKey, UnusableKeyError, signing_algorithm
from connectors.levels import ACR_LEVELS
from connectors.oidc import OidcProvider
from connectors.oidc_settings import OidcSettings
from connectors.ports import IdentityProvider
from service.settings import PREFIX, Settings, SettingsError

CALLBACK = "/sign-in/callback"


def identity_provider(settings: Settings) -> IdentityProvider | None:
    """The provider, None when no issuer is set. Raises SettingsError."""
    if settings.oidc_issuer is None:
        return None
    secret, key_file = settings.oidc_client_secret, settings.oidc_client_key
    if (secret is None) == (key_file is None):
        raise SettingsError(
            f"{PREFIX}OIDC_CLIENT_KEY", "set this or OIDC_CLIENT_SECRET, exactly one of the two"
        )
    known = OidcSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        redirect_uri=settings.base_url + CALLBACK,
        signing_key=None if key_file is None else _key(key_file),
        client_secret=None if secret is None else secret.get_secret_value(),
        acr_levels=settings.oidc_acr or ACR_LEVELS,
        accept_artificial=settings.demo,
    )
    try:
        return OidcProvider(known)
    except InsecureUrlError as error:
        raise SettingsError(f"{PREFIX}OIDC_ISSUER", "must begin with https://") from error


def _key(file: Path) -> SigningKey:
    variable = f"{PREFIX}OIDC_CLIENT_KEY"
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(variable, "no readable private key in PEM") from error
    if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey):
        raise SettingsError(variable, "not a key for signatures")
    try:
        signing_algorithm(key)
    except UnusableKeyError as error:
        raise SettingsError(variable, "not P-256, Ed25519 or RSA from 2048 bits") from error
    return key

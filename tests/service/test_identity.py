"""The identity provider that the settings name."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.oidc import OidcProvider
from service.identity import identity_provider
from service.settings import SettingsError, load_settings
from tests.service.test_settings import GIVEN

ISSUER = "https://idp.example.fi"


def provider(**given: Any) -> object:
    return identity_provider(load_settings({}, **GIVEN, **given))


def pem(key: Any, folder: Path) -> Path:
    file = folder / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def test_without_an_issuer_there_is_none() -> None:
    assert provider() is None


def test_a_key_or_a_secret_makes_one(tmp_path: Path) -> None:
    key = pem(generate_private_key(SECP256R1()), tmp_path)
    assert isinstance(provider(oidc_issuer=ISSUER, oidc_client_key=key), OidcProvider)
    assert isinstance(provider(oidc_issuer=ISSUER, oidc_client_secret="s"), OidcProvider)


def test_it_needs_exactly_one_of_the_two(tmp_path: Path) -> None:
    key = pem(generate_private_key(SECP256R1()), tmp_path)
    for given in ({}, {"oidc_client_key": key, "oidc_client_secret": "s"}):
        with pytest.raises(SettingsError, match="exactly one"):
            provider(oidc_issuer=ISSUER, **given)


def test_an_issuer_without_encryption_is_refused() -> None:
    with pytest.raises(SettingsError, match="https"):
        provider(oidc_issuer="http://idp.example.fi", oidc_client_secret="s")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (generate_private_key(SECP384R1()), "P-256"),
        (X25519PrivateKey.generate(), "not a key for signatures"),
    ],
)
def test_a_key_outside_the_profile_is_refused(key: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        provider(oidc_issuer=ISSUER, oidc_client_key=pem(key, tmp_path))


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    for name in ("key.pem", "absent.pem"):
        with pytest.raises(SettingsError, match="no readable private key"):
            provider(oidc_issuer=ISSUER, oidc_client_key=tmp_path / name)

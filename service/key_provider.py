"""Opens the provider of the key-encryption keys that the settings name: the one place.

A first key is made for a new installation only. One that has begun (its name stands in the key
folder) and finds no key is refused: a new key would open nothing of what there is.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from audit.key_errors import KeyProviderError, KeysUnavailableError
from connectors.transit import TransitKeys
from connectors.transit_api import TransitApi
from service.key_settings import Keeper
from service.settings import Settings
from vault.keys import KeyProvider, NoKeyError
from vault.providers.environment import EnvironmentKeyProvider
from vault.providers.file import FileKeyProvider, KeyFolder
from vault.providers.moving import FormerProvider, MovingKeyProvider
from vault.providers.sealed import SealedKeyProvider
from vault.providers.service import ServiceKeyProvider

INSTALLATION = "installation"
"""The secret that names the installation: it is made when it begins, and stays."""


class LibraryMissingError(KeyProviderError):
    """Tokens need a library that is not among those that are always installed."""

    def __init__(self) -> None:
        repair = "install consent-vault with the extra pkcs11: consent-vault[pkcs11]"
        super().__init__("the library for PKCS#11 tokens is not installed", repair=repair)


def open_provider(settings: Settings, *, first: bool = True) -> KeyProvider:
    """The provider, with at least one key; a first one is made where `first` allows it.

    Raises KeyProviderError and the errors of the key folder.
    """
    folder = KeyFolder.open_or_create(settings.data_folder)
    current, before = _open(settings.key_provider, settings), settings.key_provider_before
    begun = folder.existing_secret(INSTALLATION) is not None
    with _one_at_a_time(folder.path), _closed_on_failure(current):
        if not current.key_ids():
            _add_first(current, allowed=first and (before is not None or not begun))
    if before is None:
        return current
    return MovingKeyProvider(_open(before, settings), current)


def _add_first(provider: KeyProvider, *, allowed: bool) -> None:
    if not allowed:
        raise NoKeyError(
            "there is no key-encryption key, and none is made for an installation that has begun",
            repair="restore the keys from your backup, or correct the settings that name their"
            " place; name where they were moved from in CONSENT_VAULT_KEY_PROVIDER_BEFORE",
        )
    provider.add_key()


def _open(keeper: Keeper, settings: Settings) -> FormerProvider:
    return _OPENED[keeper](settings)


def _file(settings: Settings) -> FormerProvider:
    return FileKeyProvider.open_existing(settings.data_folder)


def _environment(settings: Settings) -> FormerProvider:
    return EnvironmentKeyProvider.open(_revealed(settings.key_secrets))


def _pkcs11(settings: Settings) -> FormerProvider:
    try:
        from vault.providers.pkcs11 import Pkcs11KeyProvider
        from vault.providers.pkcs11_token import TokenSession
    except ImportError as error:
        raise LibraryMissingError from error
    pin = _secret(settings.pkcs11_pin, settings.pkcs11_pin_file)
    session = TokenSession(settings.pkcs11_module or Path(), settings.pkcs11_token or "", pin)
    return Pkcs11KeyProvider(session, settings.pkcs11_key)


def _transit(settings: Settings) -> FormerProvider:
    token = partial(_secret, settings.transit_token, settings.transit_token_file)
    api = TransitApi(
        settings.transit_url or "",
        token,
        mount=settings.transit_mount,
        namespace=settings.transit_namespace,
    )
    return ServiceKeyProvider(TransitKeys(api, settings.transit_key))


def _sealed(settings: Settings, keeper: Callable[[Settings], FormerProvider]) -> FormerProvider:
    asked = keeper(settings)
    with _closed_on_failure(asked):
        return SealedKeyProvider(KeyFolder(settings.data_folder), asked)


_OPENED: Mapping[Keeper, Callable[[Settings], FormerProvider]] = {
    Keeper.FILE: _file,
    Keeper.ENVIRONMENT: _environment,
    Keeper.PKCS11: _pkcs11,
    Keeper.TRANSIT: _transit,
    Keeper.SEALED_BY_PKCS11: partial(_sealed, keeper=_pkcs11),
    Keeper.SEALED_BY_TRANSIT: partial(_sealed, keeper=_transit),
}


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _secret(secret: SecretStr | None, file: Path | None) -> str:
    """What is given in the environment, or stands in the file. Raises KeyPermissionsError."""
    if file is None:
        return _revealed(secret)
    content = KeyFolder(file.parent).read(file)
    if content is None:
        raise KeysUnavailableError(
            f"there is no file {file}", repair="put it there, or name another one in the settings"
        )
    return content.decode("ascii", errors="replace").removesuffix("\n")


@contextmanager
def _closed_on_failure(provider: KeyProvider) -> Iterator[None]:
    try:
        yield
    except KeyProviderError:
        provider.close()
        raise


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Of processes that start at once on this machine, one makes the first key."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock

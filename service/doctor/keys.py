"""The doctor's look at the keys: the folder, and the provider of the key-encryption keys."""

import stat
from contextlib import closing
from pathlib import Path

from audit.key_errors import KeyProviderError
from service.doctor.finding import Finding
from service.key_provider import open_provider
from service.key_settings import Keeper
from service.settings import Settings
from vault.providers.file import KeyFileError, KeyPermissionsError


def check_keys(folder: Path, keeper: Keeper = Keeper.FILE) -> Finding:
    """The folder and every file in it are for their owner only, and hold a first key.

    Nothing is made here: a key that is missing must come from a backup, or from a first start.
    """
    try:
        return _look_at_keys(folder, keeper)
    except OSError as error:
        found = f"{error.filename}: {error.strerror}"
        return Finding("keys", found, "run this as the user of the service")


def _look_at_keys(folder: Path, keeper: Keeper) -> Finding:
    first = "kek-*.secret" if keeper is Keeper.FILE else "*.secret"
    if not folder.is_dir() or not any(folder.glob(first)):
        repair = "restore it from your backup; a new installation makes it at the first start"
        return Finding("keys", f"no key in {folder}", repair)
    for path in (folder, *sorted(folder.iterdir())):
        wanted = 0o700 if path.is_dir() else 0o600
        if stat.S_IMODE(path.stat().st_mode) & ~wanted:
            found = f"{path} is open to others"
            return Finding("keys", found, f"chmod {wanted:o} '{path}'")
    return Finding("keys", "for their owner only")


def check_key_provider(settings: Settings) -> Finding:
    """The provider of the key-encryption keys answers, and what it wraps it opens again."""
    probe, context = bytes(32), b"consent-vault/doctor/v1"
    try:
        with closing(open_provider(settings, first=False)) as provider:
            key_ids = provider.key_ids()
            opened = provider.unwrap(provider.wrap(probe, context), context)
    except (KeyPermissionsError, KeyFileError) as error:
        return Finding("key-provider", str(error), "restore the key file from your backup")
    except KeyProviderError as error:
        return Finding("key-provider", error.reason, error.repair)
    if opened != probe:
        return Finding("key-provider", f"{key_ids[-1]} opens something else", "trust no key of it")
    return Finding("key-provider", f"{key_ids[-1]} wraps, {', '.join(key_ids)} open")

"""Keys from a secret in the environment: for places that hand out secrets in no other way.

The secret lists keys by number, `1:<32 bytes in base64>`, joined by commas; the highest number
wraps. Nothing here can add or destroy a key: whoever hands out the secret does.

The environment of a process can be read by its own user and by root only, but the command line
that set it can be read by everybody (`sh -c 'KEY=… consent-vault serve'`, `docker run -e KEY=…`).
A secret that stands in a command line of this machine is therefore refused.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from audit.key_errors import KeyProviderError
from vault.keys import OutsideKeysError
from vault.providers.software import SoftwareKeyProvider

_ENTRY = re.compile(r"([1-9][0-9]{0,8}):([A-Za-z0-9+/]{43}=)")
_LEAST_DIFFERENT_BYTES = 12
"""Of 32 random bytes fewer are different once in 10^15 keys; a typed one has fewer."""
_PROCESSES = Path("/proc")


class KeySecretsError(ValueError):
    """The secret is not a list of numbered keys; says where, and nothing of what stands there."""


class LeakedSecretError(KeyProviderError):
    """The secret stands in the command line of a process, where every user can read it."""

    def __init__(self, process: int) -> None:
        super().__init__(
            f"the key secret stands in the command line of process {process}",
            repair="take new keys, and hand them over as an environment file or a credential of"
            " your supervisor, never in a command",
        )
        self.process = process


class EnvironmentKeyProvider(SoftwareKeyProvider):
    """Key-encryption keys out of a secret that this process was given."""

    kind = "environment"

    @classmethod
    def open(cls, secrets: str, *, processes: Path = _PROCESSES) -> "EnvironmentKeyProvider":
        """The provider of these keys. Raises KeySecretsError or LeakedSecretError."""
        keys = parse_secrets(secrets)
        _refuse_leaks([b64encode(key) for key in keys.values()], processes)
        return cls(keys)

    def add_key(self) -> str:
        raise OutsideKeysError(
            "its keys are given from outside",
            repair=f"append {max(self._keys) + 1}: and the output of openssl rand -base64 32 to the"
            " secret, behind a comma, then restart",
        )

    def destroy(self, key_id: str) -> None:
        self._destructible(key_id)
        self._take_out(key_id)

    def leave(self) -> None:
        """See `vault.providers.moving`."""
        self._take_out(self.key_id)

    def _take_out(self, key_id: str) -> NoReturn:
        raise OutsideKeysError(
            "its keys are given from outside",
            repair=f"take {key_id} out of the secret wherever it is kept, then restart",
        )


def parse_secrets(secrets: str) -> Mapping[int, bytes]:
    """The keys by their numbers. Raises KeySecretsError."""
    keys: dict[int, bytes] = {}
    for place, entry in enumerate(secrets.split(","), 1):
        number, key = _entry(entry, place)
        if number in keys:
            raise KeySecretsError(f"entry {place} has a number that was there before")
        keys[number] = key
    return keys


def _entry(entry: str, place: int) -> tuple[int, bytes]:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise KeySecretsError(f"entry {place} is not NUMBER:KEY with 32 bytes in base64")
    key = b64decode(found[2])
    if b64encode(key).decode() != found[2]:
        raise KeySecretsError(f"entry {place} is not in the canonical form of base64")
    if len(set(key)) < _LEAST_DIFFERENT_BYTES:
        raise KeySecretsError(f"entry {place} is no random key")
    return int(found[1]), key


def _refuse_leaks(secrets: Iterable[bytes], processes: Path) -> None:
    for process in processes.glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile, or is hidden from us
            continue
        if any(secret in line for secret in secrets):
            raise LeakedSecretError(int(process.name))

"""The witness's name and keys: made at the first start, the same for good.

Readers of a log know a witness by its name and keys together. The name is kept beside the keys,
so that a slip at the command line cannot make another witness out of it.
"""

from pathlib import Path

from audit.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from vault.providers.file import KeyFolder


class NoNameError(Exception):
    """A witness without a name, which it needs at its first start."""


class OtherNameError(Exception):
    """A witness has another name already."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def open_cosigners(folder: Path, name: str | None) -> tuple[Cosigner, ...]:
    """The keys in this folder under the witness's name.

    Raises NoNameError, OtherNameError, NoteError for a malformed name, and what a key folder
    raises.
    """
    keys = KeyFolder.open_or_create(folder)
    path = keys.path_of("witness", "name")
    kept = keys.read(path)
    known = None if kept is None else kept.decode()
    if known is None and name is None:
        raise NoNameError
    if known is not None and name not in {None, known}:
        raise OtherNameError(known)
    cosigners = _cosigners(keys, known or name or "")
    if known is None:
        keys.create(path, (name or "").encode())
    return cosigners


def _cosigners(keys: KeyFolder, name: str) -> tuple[Cosigner, ...]:
    return (
        Ed25519Cosigner(name, keys.private_key("witness", "ed25519")),
        MlDsaCosigner(name, keys.private_key("witness-ml-dsa-44", "ml-dsa-44")),
    )

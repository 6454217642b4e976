"""Files that are on the disk whole or not at all, and for their owner's eyes only."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_MODE = 0o600


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A file that only its owner may read, whole or not at all, whatever stood there before.

    It has its name after the block, and for good once its folder is on the disk too; until then
    its own `name` says where it stands. Raises OSError at the beginning already where it cannot be
    written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(draft, "xb", opener=private) as written:
        try:
            yield written
            written.flush()
            os.fsync(written.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink()
            raise


def private(path: str, flags: int) -> int:
    """Opens a file for its owner only: an `opener` for `open`."""
    return os.open(path, flags, _MODE)


def sync_folder(path: Path) -> None:
    """Bring the folder's list of names to the disk: the file is there after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

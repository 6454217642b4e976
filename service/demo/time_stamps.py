"""The demo's own time-stamping authority, at its identity provider's address.

Its root is kept in the demo's folder, as the file that an operator would fetch from an authority.
"""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from connectors.demo_tsa.authority import DemoTimestampAuthority, root_certificate
from service.demo.folder import TIMESTAMP_ROOTS, DemoFolder
from vault.providers.file import KeyFolder

NAME = "demo"
PATH = "/time-stamps"


def roots_file(folder: DemoFolder, now: datetime) -> Path:
    """The file with the root; made once, since what was stamped before is to verify later too."""
    file = folder.path / TIMESTAMP_ROOTS
    if not file.exists():
        key = KeyFolder.open_or_create(folder.keys).private_key("demo-time-root", "p256")
        draft = file.with_name(f"{file.name}.draft")
        draft.write_bytes(root_certificate(key, now).public_bytes(Encoding.PEM))
        draft.replace(file)
    return file


def authority(folder: DemoFolder, now: datetime) -> DemoTimestampAuthority:
    """The authority of one start, with a certificate of its own."""
    keys = KeyFolder.open_or_create(folder.keys)
    root = keys.private_key("demo-time-root", "p256")
    return DemoTimestampAuthority.under(root, keys.private_key("demo-time", "p256"), now)

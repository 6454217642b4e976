"""A small export of three events, taken apart and put together again."""

from pathlib import Path

import pytest

from audit.bundle_files import manifest_text
from audit.container import pack
from audit.faults import BundleError
from audit.verify import verify_bundle
from tests.audit.sample import ORIGIN, signer

Files = dict[str, bytes]
TILE, ENTRIES = "tile/0/000.p/3", "tile/entries/000.p/3"


def resigned(files: Files, seed: int = 1) -> bytes:
    """The bundle after an operator with the log's key has made it consistent again."""
    rest = {name: data for name, data in files.items() if name != "manifest"}
    manifest = signer(seed).sign(manifest_text(ORIGIN, rest))
    return pack(rest | {"manifest": manifest})


def fault_of(data: bytes | Path, vkey: str | None = None) -> BundleError:
    with pytest.raises(BundleError) as error:
        verify_bundle(data, vkey=vkey)
    return error.value

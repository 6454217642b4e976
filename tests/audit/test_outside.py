"""The Go program of the documentation, which reads our files with Go's own packages.

Skipped where Go or its package golang.org/x/mod (Debian: golang-golang-x-mod-dev) is missing.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.bundle_files import EventLine
from audit.container import unpack
from audit.edge import Edge
from audit.merkle import inclusion_proof, leaf_hash
from audit.tlog_proof import TlogProof
from audit.verify_event import entry_of
from tests.audit.sample import signer

PROGRAM = Path(__file__).parents[2] / "docs" / "examples" / "verify.go"
PACKAGES = Path("/usr/share/gocode")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The program, built."""
    go = shutil.which("go")
    if go is None or not (PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go or its package golang.org/x/mod is missing here")
    folder = tmp_path_factory.mktemp("go")
    places = {"GO111MODULE": "off", "GOPATH": str(PACKAGES), "GOCACHE": str(folder / "cache")}
    built = folder / "verify"
    subprocess.run(
        [go, "build", "-o", built, PROGRAM], env={**os.environ, **places}, check=True, cwd=folder
    )
    return lambda *arguments: subprocess.run(
        [built, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def log(bundle: bytes, tmp_path: Path) -> Path:
    """The export unpacked, with a proof of its second entry."""
    files = unpack(bundle)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    lines = map(EventLine.parse, files["events.jsonl"].decode().splitlines(keepends=True))
    entries = [entry_of(each.event_id, each.digests) for each in lines]
    hashes = [leaf_hash(entry) for entry in entries]
    edge = Edge()
    edge.append(hashes[:2])
    nodes = {(0, i): each for i, each in enumerate(hashes)} | {(1, 0): edge.root()}
    made = inclusion_proof(lambda level, index: nodes[level, index], 1, 3)
    proof = TlogProof(1, tuple(made), files["checkpoint"])
    (tmp_path / "event.tlog-proof").write_text(str(proof))
    (tmp_path / "event.entry").write_bytes(entries[1])
    (tmp_path / "other.entry").write_bytes(entries[2])
    return tmp_path


def test_packages_of_others_find_our_log_right(verify: Run, log: Path) -> None:
    done = verify(signer().vkey, log, log / "event.tlog-proof", log / "event.entry")
    assert done.returncode == 0, done.stderr
    assert "3 entries give the signed root" in done.stdout
    assert "the entry stands at 1" in done.stdout


def test_packages_of_others_refuse_what_is_wrong(verify: Run, log: Path) -> None:
    assert verify(signer(2).vkey, log).returncode != 0
    other = verify(signer().vkey, log, log / "event.tlog-proof", log / "other.entry")
    assert other.returncode != 0
    tile = log / "tile/0/000.p/3"
    tile.write_bytes(bytes(1) + tile.read_bytes()[1:])
    assert "is not the tile" in verify(signer().vkey, log).stderr

"""A mirror of the log, fetched over HTTP into a folder, verifies offline by itself."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from audit.__main__ import main
from audit.checkpoint import Checkpoint
from audit.model import SYSTEM, Event, Kind
from audit.note import split_note
from audit.tiles import entry_bundles_of, tiles_of
from audit.unit_of_work import begin
from tests.service.house import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    with begin(opened.runtime.ledger, actor=SYSTEM, now=opened.clock()) as uow:
        for _ in range(300):
            uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
    opened.runtime.sequencer.run_once(opened.clock())
    yield opened
    opened.runtime.close()


def mirrored(visitor: TestClient, folder: Path) -> Path:
    """Everything that the checkpoint covers."""
    note = visitor.get("/audit/checkpoint").content
    (folder / "checkpoint").write_bytes(note)
    size = Checkpoint.parse(split_note(note)[0]).size
    for name in chain(tiles_of(size), entry_bundles_of(size)):
        answer = visitor.get(f"/audit/{name.path}")
        assert answer.status_code == 200
        (folder / name.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name.path).write_bytes(answer.content)
    return folder


def test_a_mirror_verifies_by_the_key_of_the_whole_log(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mirrored(house.visitor(), tmp_path)
    key = house.runtime.log_signers.base_signers[0].vkey
    assert main(["verify", str(folder), "--vkey", key]) == 0
    assert "audit/2026h2 verifies" in capsys.readouterr().out
    tile = folder / "tile/0/000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert main(["verify", str(folder), "--vkey", key]) == 1
    assert "tile/0/000, entry 0" in capsys.readouterr().err

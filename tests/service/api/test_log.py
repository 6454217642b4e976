"""The logs over HTTP, rebuilt by somebody who has nothing but the addresses and the keys."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.edge import Edge
from audit.merkle import leaf_hash, verify_consistency
from audit.model import SYSTEM, Event, Kind
from audit.note import NoteVerifier
from audit.proofs import consistency
from audit.shards import linked_text
from audit.tiles import entry_bundles_of, tiles_of, unpack_entries
from audit.unit_of_work import begin
from tests.service.house import House, open_house

OLD, NEW = "2026h2", "2027h1"
LATER = datetime(2027, 1, 4, 9, tzinfo=UTC)
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with two half-years behind it: 300 events and more in each, in several batches."""
    opened = open_house(tmp_path_factory.mktemp("house"))
    for moment, counts in ((opened.clock(), (200, 110)), (LATER, (1, 259, 3))):
        opened.clock.advance(seconds=(moment - opened.clock()).total_seconds())
        for count in counts:
            happen(opened, count)
    yield opened
    opened.runtime.close()


def happen(house: House, count: int) -> None:
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        for _ in range(count):
            uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
    house.runtime.sequencer.run_once(house.clock())


@pytest.fixture
def visitor(house: House) -> TestClient:
    return house.visitor()


def opened(visitor: TestClient, log: str) -> Checkpoint:
    """With the Ed25519 key from the list of logs."""
    told = {each["log"]: each for each in listed(visitor)}[log]
    note = visitor.get(f"/audit/logs/{log}/checkpoint").content
    verifiers = [NoteVerifier.parse(vkey) for vkey in told["vkeys"][:1]]
    return open_checkpoint(note, verifiers, origin=told["origin"])


def listed(visitor: TestClient) -> list[dict[str, Any]]:
    answer = visitor.get("/audit/logs", headers={"Accept": "application/json"})
    logs: list[dict[str, Any]] = answer.json()["logs"]
    return logs


def test_the_list_names_every_log_with_its_keys(house: House, visitor: TestClient) -> None:
    logs = listed(visitor)
    assert [each["log"] for each in logs] == [OLD, NEW]
    for each in logs:
        log = str(each["log"])
        assert each["origin"] == f"vault.example.fi/audit/{log}"
        assert each["prefix"] == f"https://vault.example.fi/audit/logs/{log}"
        assert each["vkeys"] == list(house.runtime.log_signers.vkeys(log))
        assert each["size"] == opened(visitor, log).size


def test_the_list_as_text_is_part_of_a_policy(house: House, visitor: TestClient) -> None:
    answer = visitor.get("/audit/logs")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    keys = [vkey for log in (OLD, NEW) for vkey in house.runtime.log_signers.vkeys(log)]
    assert answer.text == "".join(f"log {vkey}\n" for vkey in keys)


@pytest.mark.parametrize("log", [OLD, NEW])
def test_every_tile_and_entry_gives_the_signed_root(visitor: TestClient, log: str) -> None:
    checkpoint = opened(visitor, log)
    edge = Edge()
    rows: dict[tuple[int, int], bytes] = {}
    for name in entry_bundles_of(checkpoint.size):
        answer = visitor.get(f"/audit/logs/{log}/{name.path}")
        entries = unpack_entries(answer.content)
        assert len(entries) == name.width
        full = edge.append(map(leaf_hash, entries))
        rows |= {(each.level, each.index): each.hashes for each in full}
    assert edge.root() == checkpoint.root
    for name in tiles_of(checkpoint.size):
        level = name.level or 0
        content = visitor.get(f"/audit/logs/{log}/{name.path}").content
        assert content == rows.get((level, name.index), b"".join(edge.partial(level)))


def test_the_new_log_begins_with_the_end_of_the_old(visitor: TestClient) -> None:
    first = unpack_entries(visitor.get(f"/audit/logs/{NEW}/tile/entries/000").content)[0]
    assert linked_text(first) == str(opened(visitor, OLD))


def test_under_audit_itself_stands_the_newest_log(visitor: TestClient) -> None:
    for name in ("checkpoint", "tile/0/000", "tile/entries/000"):
        newest = visitor.get(f"/audit/{name}")
        assert newest.status_code == 200
        assert newest.content == visitor.get(f"/audit/logs/{NEW}/{name}").content
        assert newest.content != visitor.get(f"/audit/logs/{OLD}/{name}").content


def test_a_checkpoint_is_asked_for_again_and_not_sent_again(
    house: House, visitor: TestClient
) -> None:
    path = f"/audit/logs/{NEW}/checkpoint"
    first = visitor.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    again = visitor.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    happen(house, 1)
    grown = visitor.get(path, headers={"If-None-Match": tag})
    assert grown.status_code == 200
    assert grown.headers["etag"] != tag


def test_tiles_are_kept_for_ever_and_entries_are_compressed(visitor: TestClient) -> None:
    for accepted, coding in (("gzip, br", "gzip"), ("identity", None), ("gzip;q=0", None)):
        headers = {"Accept-Encoding": accepted}
        entries = visitor.get(f"/audit/logs/{OLD}/tile/entries/000", headers=headers)
        assert entries.headers.get("content-encoding") == coding
        assert entries.headers["vary"] == "Accept-Encoding"
        hashes = visitor.get(f"/audit/logs/{OLD}/tile/0/000", headers=headers)
        assert "content-encoding" not in hashes.headers
        assert len(unpack_entries(entries.content)) == 256  # the client has opened it
        assert len(hashes.content) == 8192
        for answer in (entries, hashes):
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["cache-control"] == FOREVER


def test_compressed_entries_are_the_same_bytes_each_time(visitor: TestClient) -> None:
    url = f"/audit/logs/{OLD}/tile/entries/000"
    sent = []
    for _ in range(2):
        with visitor.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
            sent.append(b"".join(answer.iter_raw()))
    assert sent[0] == sent[1]
    assert gzip.decompress(sent[0]) == visitor.get(url).content


def test_the_history_holds_every_checkpoint_and_each_grew_from_the_one_before(
    house: House, visitor: TestClient
) -> None:
    told = visitor.get(f"/audit/logs/{OLD}/checkpoints").json()
    assert told["next"] is None
    sizes = [each["size"] for each in told["checkpoints"]]
    signers = house.runtime.log_signers
    verifiers, origin = signers.verifiers(OLD), signers.origin(OLD)
    found = [
        open_checkpoint(each["note"].encode(), verifiers, origin=origin)
        for each in told["checkpoints"]
    ]
    assert [each.size for each in found] == sizes == sorted(set(sizes))
    assert len(found) == 2
    with house.runtime.ledger.read() as connection:
        proof = consistency(connection, sizes[0], sizes[1], log=OLD)
    verify_consistency(
        old_size=sizes[0],
        old_root=found[0].root,
        new_size=sizes[1],
        new_root=found[1].root,
        proof=proof.hashes,
    )
    after = visitor.get(f"/audit/logs/{OLD}/checkpoints", params={"after": sizes[0]}).json()
    assert after["checkpoints"] == told["checkpoints"][1:]
    assert visitor.get(f"/audit/logs/{OLD}/checkpoints?after=9999").json()["checkpoints"] == []


def test_a_long_history_comes_in_pages(tmp_path_factory: pytest.TempPathFactory) -> None:
    house = open_house(tmp_path_factory.mktemp("long"))
    for _ in range(103):
        happen(house, 1)
    seen: list[list[int]] = []
    after: int | None = 0
    while after is not None:
        page = house.visitor().get(f"/audit/logs/{OLD}/checkpoints", params={"after": after}).json()
        seen.append([each["size"] for each in page["checkpoints"]])
        after = page["next"]
    last = seen[-1][-1]
    assert [len(each) for each in seen] == [100, len(seen[1])]
    assert [size for each in seen for size in each][-103:] == list(range(last - 102, last + 1))
    house.runtime.close()


def test_the_retention_names_the_lowest_index_and_the_policy(visitor: TestClient) -> None:
    told = visitor.get(f"/audit/logs/{OLD}/retention").json()
    assert (told["log"], told["minimum_index"]) == (OLD, 0)
    assert "every proof goes on to verify" in told["policy"]


@pytest.mark.parametrize(
    "path",
    [
        "2025h1/checkpoint",
        "2025h1/retention",
        "2025h1/checkpoints",
        "2025h1/tile/0/000",
        f"{OLD}/tile/0/000.p/0",
        f"{OLD}/tile/0/009",
        f"{OLD}/tile/entries/009",
        f"{OLD}/tile/x",
        f"{OLD}/other",
    ],
)
def test_what_no_log_has_is_not_found(visitor: TestClient, path: str) -> None:
    answer = visitor.get(f"/audit/logs/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (
        404,
        "application/problem+json",
    )


@pytest.mark.parametrize("after", ["-1", "x", str(2**63)])
def test_a_size_that_is_none_is_refused(visitor: TestClient, after: str) -> None:
    answer = visitor.get(f"/audit/logs/{OLD}/checkpoints", params={"after": after})
    assert answer.status_code == 400


def test_before_the_first_event_the_list_is_empty(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    house = open_house(tmp_path_factory.mktemp("empty"))
    assert house.visitor().get("/audit/logs").text == ""
    assert listed(house.visitor()) == []
    house.runtime.close()

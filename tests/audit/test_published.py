"""Logs published by others: Tessera's own test log, made again from its published values."""

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint
from audit.edge import Edge
from audit.faults import BundleError, Fault
from audit.merkle import leaf_hash
from audit.note import NoteSigner, NoteVerifier, format_line
from audit.published import verify_published
from audit.tiles import entry_bundles_of, pack_entries, tiles_of
from audit.trust import Trust
from audit.verify_checkpoint import by_origin

TESSERA = json.loads((Path(__file__).parents[1] / "vectors" / "tlog.json").read_text())[
    "tessera_test_log"
]
SMALL = "tile/0/000.p/15"
SMALL_ENTRIES = "tile/entries/000.p/15"
OTHER = NoteSigner("other.example/log", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
TRUST = Trust.of(OTHER.vkey)


def tiles(entries: list[bytes], size: int) -> dict[str, bytes]:
    """Every tile of a log with these entries."""
    files = {}
    edge = Edge()
    full = edge.append(leaf_hash(entry) for entry in entries[:size])
    made = {(tile.level, tile.index): tile.hashes for tile in full}
    for name in tiles_of(size):
        level = name.level or 0
        partial = b"".join(edge.partial(level))
        files[name.path] = made.get((level, name.index), partial)
    for name in entry_bundles_of(size):
        start = name.index * 256
        files[name.path] = pack_entries(entries[start : start + name.width])
    return files


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def checkpoint(entries: list[bytes], size: int) -> bytes:
    edge = Edge()
    edge.append(leaf_hash(entry) for entry in entries[:size])
    return OTHER.sign(str(Checkpoint(OTHER.name, size, edge.root())))


ENTRIES = [f"entry {i}".encode() for i in range(600)]


@pytest.fixture
def tessera(tmp_path: Path) -> Path:
    """The log in Tessera's `testdata/log`: fifteen entries, signed by a key of theirs."""
    files = tiles([entry.encode() for entry in TESSERA["entries"]], 15)
    text = f"{TESSERA['origin']}\n15\n{TESSERA['roots_base64_by_size'][15]}\n"
    blob = base64.b64decode(TESSERA["signature_size_15"])
    key = NoteVerifier.parse(TESSERA["vkey"])
    line = format_line(key.name, key.key_id, blob[-64:])
    return lay(tmp_path, files | {"checkpoint": f"{text}\n{line}".encode()})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Six hundred entries: two full tiles, a partial one, and one above them."""
    return lay(tmp_path, tiles(ENTRIES, 600) | {"checkpoint": checkpoint(ENTRIES, 600)})


def fault(folder: Path, trust: Trust = TRUST, older: Sequence[bytes] = ()) -> BundleError:
    with pytest.raises(BundleError) as error:
        verify_published(folder, trust, older=by_origin(older))
    return error.value


def test_the_log_of_tessera_verifies(tessera: Path) -> None:
    published = verify_published(tessera, Trust.of(TESSERA["vkey"]))
    checkpoint = published.signed.checkpoint
    assert (checkpoint.origin, checkpoint.size) == (TESSERA["origin"], 15)
    assert base64.b64encode(checkpoint.root).decode() == TESSERA["roots_base64_by_size"][15]
    assert published.has_entries


def test_nobody_vouches_for_it_without_its_key(tessera: Path) -> None:
    assert fault(tessera, TRUST).fault is Fault.CHECKPOINT_SIGNATURE
    assert fault(tessera, Trust()).fault is Fault.CHECKPOINT_SIGNATURE


def test_the_key_in_the_folder_is_taken_only_when_none_is_named(log: Path) -> None:
    assert not verify_published(log, TRUST).key_from_log
    (log / "log.vkey").write_text(f"{OTHER.vkey}\n")
    assert verify_published(log, Trust()).key_from_log
    (log / "log.vkey").write_text(f"{TESSERA['vkey']}\n")
    assert not verify_published(log, TRUST).key_from_log
    assert fault(log, Trust()).fault is Fault.CHECKPOINT_SIGNATURE


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
def test_a_log_of_any_size_verifies(tmp_path: Path, size: int) -> None:
    lay(tmp_path, tiles(ENTRIES, size) | {"checkpoint": checkpoint(ENTRIES, size)})
    assert verify_published(tmp_path, TRUST).signed.checkpoint.size == size


def test_partial_tiles_may_be_gone_when_the_full_ones_exist(log: Path) -> None:
    note = checkpoint(ENTRIES, 300)
    (log / "checkpoint").write_bytes(note)
    published = verify_published(log, TRUST)
    assert published.signed.checkpoint.size == 300
    (log / "tile/0/001").unlink()
    assert fault(log).file == "tile/0/001.p/44"


def test_a_wider_partial_tile_serves(log: Path) -> None:
    (log / "checkpoint").write_bytes(checkpoint(ENTRIES, 560))
    assert verify_published(log, TRUST).signed.checkpoint.size == 560


def test_entries_may_be_compressed(log: Path) -> None:
    for path in (log / "tile/entries").rglob("*"):
        if path.is_file():
            path.write_bytes(gzip.compress(path.read_bytes()))
    assert verify_published(log, TRUST).has_entries


def test_the_longest_entries_may_be_compressed_too(tmp_path: Path) -> None:
    long = [bytes([i]) * 0xFFFF for i in range(256)]
    lay(tmp_path, tiles(long, 256) | {"checkpoint": checkpoint(long, 256)})
    path = tmp_path / "tile/entries/000"
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert verify_published(tmp_path, TRUST).has_entries
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\0\0", 1))
    assert fault(tmp_path).fault is Fault.ENTRIES_FORM


def test_without_any_entries_the_tiles_still_verify(tmp_path: Path) -> None:
    only = {name: data for name, data in tiles(ENTRIES, 600).items() if "entries" not in name}
    lay(tmp_path, only | {"checkpoint": checkpoint(ENTRIES, 600)})
    assert not verify_published(tmp_path, TRUST).has_entries
    lay(tmp_path, {"tile/0/001": bytes(32) + only["tile/0/001"][32:]})
    assert fault(tmp_path).fault is Fault.TILE


def test_older_checkpoints_are_continued(log: Path) -> None:
    older = by_origin(checkpoint(ENTRIES, size) for size in (0, 1, 300, 599, 600))
    assert verify_published(log, TRUST, older=older).continues == (0, 1, 300, 599, 600)


def test_a_history_that_was_changed_is_found(log: Path) -> None:
    forked = [b"another", *ENTRIES[1:]]
    error = fault(log, older=[checkpoint(forked, 300)])
    assert error.fault is Fault.FORKED
    assert fault(log, older=[checkpoint(forked, 600)]).fault is Fault.FORKED


def test_a_log_that_has_shrunk_is_found(log: Path) -> None:
    longer = checkpoint([*ENTRIES, b"one more"], 601)
    error = fault(log, older=[longer])
    assert (error.fault, error.file, error.entry) == (Fault.SHRUNK, "the older checkpoint", 600)


def test_an_older_checkpoint_must_be_signed(log: Path) -> None:
    unsigned = checkpoint(ENTRIES, 300).replace(b"300", b"301")
    assert fault(log, older=[unsigned]).fault is Fault.CHECKPOINT_SIGNATURE


def test_a_checkpoint_of_another_log_is_not_held_against_this_one(log: Path) -> None:
    stranger = NoteSigner("third.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    note = stranger.sign(str(Checkpoint(stranger.name, 1, bytes(32))))
    kept = by_origin([note, checkpoint(ENTRIES, 300)])
    both = Trust.of(OTHER.vkey, stranger.vkey)
    assert verify_published(log, both, older=kept).continues == (300,)


@pytest.mark.parametrize("note", [b"", b"no note", b"x\n\n"])
def test_what_was_kept_must_be_a_checkpoint(note: bytes) -> None:
    with pytest.raises(BundleError) as error:
        by_origin([note])
    assert error.value.fault is Fault.CHECKPOINT_FORM


Spoil = Callable[[Path], object]


def cut(name: str, size: int) -> Spoil:
    return lambda log: (log / name).write_bytes((log / name).read_bytes()[:size])


def flip(name: str, place: int) -> Spoil:
    def spoil(log: Path) -> None:
        data = bytearray((log / name).read_bytes())
        data[place] ^= 1
        (log / name).write_bytes(data)

    return spoil


def gone(name: str) -> Spoil:
    return lambda log: (log / name).unlink()


def holding(name: str, data: bytes) -> Spoil:
    return lambda log: (log / name).write_bytes(data)


ENTRIES_0 = pack_entries(ENTRIES[:256])
SPOILT: list[tuple[str, Spoil, Fault, str, int | None]] = [
    ("checkpoint", gone("checkpoint"), Fault.MISSING, "checkpoint", None),
    (
        "no checkpoint",
        holding("checkpoint", b"x\n\n"),
        Fault.CHECKPOINT_SIGNATURE,
        "checkpoint",
        None,
    ),
    (
        "another text",
        holding("checkpoint", OTHER.sign("hello\n")),
        Fault.CHECKPOINT_FORM,
        "checkpoint",
        None,
    ),
    ("a changed hash", flip("tile/0/001", 70), Fault.TILE, "tile/0/001", 258),
    ("a changed partial", flip("tile/0/002.p/88", 0), Fault.TILE, "tile/0/002.p/88", 512),
    ("a changed hash above", flip("tile/1/000.p/2", 33), Fault.TILE, "tile/1/000.p/2", 1),
    ("a cut tile", cut("tile/0/001", 8191), Fault.TILE_FORM, "tile/0/001", None),
    ("a tile too short", cut("tile/0/001", 8160), Fault.TILE_FORM, "tile/0/001", None),
    (
        "a tile too long",
        holding("tile/0/001", bytes(32 * 257)),
        Fault.TILE_FORM,
        "tile/0/001",
        None,
    ),
    ("no tile", gone("tile/1/000.p/2"), Fault.MISSING, "tile/1/000.p/2", None),
    ("no entries", gone("tile/entries/001"), Fault.MISSING, "tile/entries/001", None),
    ("cut entries", cut("tile/entries/001", 99), Fault.ENTRIES_FORM, "tile/entries/001", None),
    ("too few", cut("tile/entries/001", 11), Fault.ENTRIES_FORM, "tile/entries/001", None),
    (
        "too many",
        holding("tile/entries/001", ENTRIES_0 + pack_entries([b"x"])),
        Fault.ENTRIES_FORM,
        "tile/entries/001",
        None,
    ),
    ("a changed entry", flip("tile/entries/001", 5), Fault.TILE, "tile/0/001", 256),
    (
        "cut gzip",
        holding("tile/entries/000", gzip.compress(ENTRIES_0)[:-1]),
        Fault.ENTRIES_FORM,
        "tile/entries/000",
        None,
    ),
    (
        "something after gzip",
        holding("tile/entries/000", gzip.compress(ENTRIES_0) + b"x"),
        Fault.ENTRIES_FORM,
        "tile/entries/000",
        None,
    ),
    (
        "a bomb",
        holding("tile/entries/000", gzip.compress(bytes(20_000_000))),
        Fault.ENTRIES_FORM,
        "tile/entries/000",
        None,
    ),
]


@pytest.mark.parametrize(("what", "spoil", "found", "file", "entry"), SPOILT)
def test_what_is_wrong_is_named_with_its_place(
    log: Path, what: str, spoil: Spoil, found: Fault, file: str, entry: int | None
) -> None:
    spoil(log)
    error = fault(log)
    assert (error.fault, error.file, error.entry) == (found, file, entry), what


def test_a_root_over_other_entries_is_found(log: Path) -> None:
    lay(log, tiles([b"another", *ENTRIES[1:]], 600))
    error = fault(log)
    assert (error.fault, error.file) == (Fault.ROOT, "checkpoint")


def test_a_file_that_cannot_be_read_is_named(log: Path) -> None:
    (log / "checkpoint").unlink()
    (log / "checkpoint").mkdir()
    assert fault(log).fault is Fault.UNREADABLE


def test_a_folder_in_place_of_a_tile_is_no_tile(log: Path) -> None:
    (log / "tile/0/001").unlink()
    (log / "tile/0/001").mkdir()
    assert fault(log).fault is Fault.MISSING

"""Verifying an exported log offline: nothing here reads a database or asks a network.

The tree is built anew from the entries; everything else must agree with it, down to the last
byte of the container. The first fault is raised as BundleError, naming file and entry.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from audit.bundle_files import (
    CHECKPOINT,
    EVENTS,
    MANIFEST,
    VKEY,
    BundleFileError,
    parse_manifest,
    sha256,
)
from audit.bundle_source import read_files
from audit.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from audit.container import ContainerError, check
from audit.disclosure import FieldValue
from audit.faults import BundleError as BundleError
from audit.faults import Fault
from audit.note import NoteError, NoteVerifier, open_note, split_note
from audit.tiles import entry_bundles_of, tiles_of
from audit.verify_entries import check_contents

_ALWAYS = (CHECKPOINT, VKEY, EVENTS, MANIFEST)


@dataclass(frozen=True, slots=True)
class Report:
    """What a bundle proves, and what its log tells."""

    origin: str
    size: int
    root: bytes
    vkey: str
    key_from_bundle: bool
    """True when nobody said which key to trust, so that the bundle's own was taken."""
    kinds: Mapping[str, int]
    """How many events of each kind could be read."""
    closed: int
    """How many events say nothing to this reader: their key is destroyed or not hers."""
    first_at: str | None
    last_at: str | None

    def __str__(self) -> str:
        key = f"Key {self.vkey}"
        if self.key_from_bundle:
            key += "\n  taken from the bundle itself: compare it with one from a source you trust"
        lines = [
            f"The log {self.origin} verifies: {self.size} entries, root {self.root.hex()}",
            key,
            *(f"{count:8d}  {kind}" for kind, count in sorted(self.kinds.items())),
        ]
        if self.closed:
            lines.append(f"{self.closed:8d}  closed to this reader, or their key is destroyed")
        if self.first_at:
            lines.append(f"From {self.first_at} to {self.last_at}")
        return "\n".join(lines)


def verify_bundle(data: bytes | Path, *, vkey: str | None = None) -> Report:
    """Verify a bundle: its bytes, its file, or the folder it was unpacked to.

    `vkey` is the log's key from a source that the caller trusts; without it the report says that
    the bundle's own key was taken. Raises BundleError with the first fault.
    """
    files, raw = read_files(data)
    _check_presence(files, set(_ALWAYS))
    verifier = _check_key(files[VKEY], vkey)
    altered = _check_manifest(files, verifier)
    checkpoint = _check_checkpoint(files[CHECKPOINT], verifier)
    _check_names(files, checkpoint.size)
    contents = check_contents(files, checkpoint.size, altered)
    if contents.root != checkpoint.root:
        raise BundleError(Fault.ROOT, CHECKPOINT)
    if altered is not None:
        raise BundleError(Fault.FILE_DIGEST, altered)
    if raw is not None:
        _check_container(files, raw)
    vkey_used = files[VKEY].decode().strip()
    return _report(checkpoint, vkey_used, contents.fields, key_from_bundle=vkey is None)


def _check_presence(files: Mapping[str, bytes], names: set[str]) -> None:
    for name in sorted(names - set(files)):
        raise BundleError(Fault.MISSING, name)


def _check_names(files: Mapping[str, bytes], size: int) -> None:
    """Exactly the files that a log of this size has."""
    left = set(files) - set(_ALWAYS)
    for name in chain(tiles_of(size), entry_bundles_of(size)):
        # One by one: a signed size may be 2^62, by a key that nobody trusts yet.
        _check_presence(files, {name.path})
        left.remove(name.path)
    for unknown in sorted(left):
        raise BundleError(Fault.UNKNOWN_FILE, unknown)


def _check_key(data: bytes, expected: str | None) -> NoteVerifier:
    try:
        vkey = data.decode("utf-8")
        verifier = NoteVerifier.parse(vkey.removesuffix("\n"))
    except (UnicodeDecodeError, NoteError) as error:
        raise BundleError(Fault.VKEY_FORM, VKEY) from error
    if not vkey.endswith("\n") or not (vkey.isascii() and vkey[:-1].isprintable()):
        # The name in it goes to a terminal, beside the words that say whose key this is.
        raise BundleError(Fault.VKEY_FORM, VKEY)
    if expected is not None and expected.strip() != vkey.removesuffix("\n"):
        raise BundleError(Fault.OTHER_KEY, VKEY)
    return verifier


def _check_manifest(files: Mapping[str, bytes], verifier: NoteVerifier) -> str | None:
    """The first file that is not as the manifest says. Raises BundleError for others than files."""
    try:
        text = open_note(files[MANIFEST], [verifier])
        _check_one_signature(files[MANIFEST])
        named = parse_manifest(text, origin=verifier.name)
    except NoteError as error:
        raise BundleError(Fault.MANIFEST_SIGNATURE, MANIFEST) from error
    except BundleFileError as error:
        raise BundleError(Fault.MANIFEST_FORM, MANIFEST) from error
    _check_presence(files, set(named))
    for name in sorted(set(files) - set(named) - {MANIFEST}):
        raise BundleError(Fault.UNKNOWN_FILE, name)
    return next((name for name in sorted(named) if sha256(files[name]) != named[name]), None)


def _check_one_signature(note: bytes) -> None:
    """The manifest is the one file that nothing else covers: no line of a stranger's key in it."""
    if len(split_note(note)[1]) != 1:
        raise NoteError("more than one signature")


def _check_checkpoint(note: bytes, verifier: NoteVerifier) -> Checkpoint:
    try:
        return open_checkpoint(note, [verifier], origin=verifier.name)
    except NoteError as error:
        raise BundleError(Fault.CHECKPOINT_SIGNATURE, CHECKPOINT) from error
    except CheckpointError as error:
        raise BundleError(Fault.CHECKPOINT_FORM, CHECKPOINT) from error


def _check_container(files: Mapping[str, bytes], raw: bytes) -> None:
    try:
        check(raw, files)
    except ContainerError as error:
        raise BundleError(Fault.CONTAINER, error.name) from error


def _report(
    checkpoint: Checkpoint,
    vkey: str,
    fields: list[dict[str, FieldValue]],
    *,
    key_from_bundle: bool,
) -> Report:
    times = sorted(str(each["at"]) for each in fields if "at" in each)
    kinds = Counter(str(each["kind"]) for each in fields if "kind" in each)
    return Report(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        vkey=vkey,
        key_from_bundle=key_from_bundle,
        kinds=dict(sorted(kinds.items())),
        closed=len(fields) - kinds.total(),
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
    )

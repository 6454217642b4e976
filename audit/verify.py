"""Verifying an exported log offline: nothing here reads a database or asks a network.

The tree is built anew from the entries; everything else must agree with it, down to the last
byte of the container. The first fault is raised as BundleError, naming file and entry.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path

from audit.bundle_files import (
    CHECKPOINT,
    COSIGNATURES,
    EVENTS,
    MANIFEST,
    POLICY,
    VKEY,
    BundleFileError,
    parse_manifest,
    sha256,
)
from audit.bundle_report import Report, report_of
from audit.bundle_source import read_files
from audit.container import ContainerError, check
from audit.cosignature import AnyVerifier
from audit.faults import BundleError as BundleError
from audit.faults import Fault
from audit.note import NoteError, NoteVerifier, split_note, verified_lines
from audit.tiles import entry_bundles_of, tiles_of
from audit.trust import Signed, Trust
from audit.trust_policy import PolicyError, parse_policy
from audit.verify_checkpoint import (
    NOTHING_KEPT,
    Kept,
    check_continues,
    read_checkpoint,
    read_vkeys,
)
from audit.verify_entries import check_contents
from audit.verify_times import check_times, sightings_of
from audit.verify_timestamps import check_timestamps, is_stamp, seen_by_authorities

_ALWAYS = (CHECKPOINT, VKEY, EVENTS, MANIFEST)
_SOMETIMES = (COSIGNATURES, POLICY)


def verify_bundle(
    data: bytes | Path,
    *,
    vkey: str | None = None,
    trust: Trust | None = None,
    older: Kept = NOTHING_KEPT,
) -> Report:
    """Verify a bundle: its bytes, its file, or the folder it was unpacked to.

    `trust` says what the caller asks of the log, `vkey` is short for trust in one key; without
    both the report says that the bundle's own key was taken. `older` are checkpoints that she has
    kept: this log must continue each one that is of it. Raises BundleError with the first fault,
    or NoteError for a `vkey` that is none.
    """
    trust = trust or (Trust() if vkey is None else Trust.of(vkey.strip()))
    files, raw = read_files(data)
    _check_presence(files, set(_ALWAYS))
    keys = _check_keys(files[VKEY], trust)
    altered = _check_manifest(files, keys, trust)
    signed = _check_checkpoint(files, keys, trust)
    quorum = _check_policy(files)
    _check_names(files, signed.checkpoint.size)
    contents = check_contents(files, signed.checkpoint.size, altered)
    if contents.root != signed.checkpoint.root:
        raise BundleError(Fault.ROOT, CHECKPOINT)
    continues = [
        check_continues(note, signed, contents.leaves, trust, offered=keys)
        for note in older.get(signed.checkpoint.origin, ())
    ]
    stamps = check_timestamps(files, signed, contents.leaves, trust)
    seen = [*sightings_of(signed, *continues), *seen_by_authorities(stamps)]
    timed = check_times(contents.claims, seen, file=EVENTS)
    if altered is not None:
        raise BundleError(Fault.FILE_DIGEST, altered)
    if raw is not None:
        _check_container(files, raw)
    return report_of(
        signed,
        contents,
        continues=[each.checkpoint.size for each in continues],
        stamps=stamps,
        seen=seen,
        timed=timed,
        key_from_bundle=not trust.logs,
        quorum_of_log=quorum,
    )


def check_sequence(reports: Sequence[Report]) -> None:
    """That each log goes on from the end of the one before it. Raises BundleError."""
    for before, after in pairwise(reports):
        if after.previous != before.signed.checkpoint:
            raise BundleError(Fault.LINK, after.origin, 0)


def _check_presence(files: Mapping[str, bytes], names: set[str]) -> None:
    for name in sorted(names - set(files)):
        raise BundleError(Fault.MISSING, name)


def _check_names(files: Mapping[str, bytes], size: int) -> None:
    """Exactly the files that a log of this size has."""
    left = {name for name in set(files) - set(_ALWAYS) - set(_SOMETIMES) if not is_stamp(name)}
    for name in chain(tiles_of(size), entry_bundles_of(size)):
        # One by one: a signed size may be 2^62, by a key that nobody trusts yet.
        _check_presence(files, {name.path})
        left.remove(name.path)
    for unknown in sorted(left):
        raise BundleError(Fault.UNKNOWN_FILE, unknown)


def _check_keys(data: bytes, trust: Trust) -> tuple[AnyVerifier, ...]:
    """The keys that the bundle says are the log's, all under one name."""
    keys = read_vkeys(data, VKEY)
    name = keys[0].name
    if {key.name for key in keys} != {name} or not isinstance(keys[0], NoteVerifier):
        raise BundleError(Fault.VKEY_FORM, VKEY)
    trusted = {key.vkey for key in trust.keys_of(name, keys)}
    if not trusted & {key.vkey for key in keys}:
        raise BundleError(Fault.OTHER_KEY, VKEY)
    return keys


def _check_manifest(
    files: Mapping[str, bytes], keys: Sequence[AnyVerifier], trust: Trust
) -> str | None:
    """The first file that is not as the manifest says. Raises BundleError for others than files."""
    try:
        text = _open_manifest(files[MANIFEST], keys, trust)
        named = parse_manifest(text, origin=keys[0].name)
    except NoteError as error:
        raise BundleError(Fault.MANIFEST_SIGNATURE, MANIFEST) from error
    except BundleFileError as error:
        raise BundleError(Fault.MANIFEST_FORM, MANIFEST) from error
    _check_presence(files, set(named))
    for name in sorted(set(files) - set(named) - {MANIFEST}):
        raise BundleError(Fault.UNKNOWN_FILE, name)
    return next((name for name in sorted(named) if sha256(files[name]) != named[name]), None)


def _open_manifest(note: bytes, keys: Sequence[AnyVerifier], trust: Trust) -> str:
    """The manifest's text, signed by the log's Ed25519 keys and by nobody else.

    It is the one file that nothing else covers, so no line of a stranger's key may stand in it. An
    ML-DSA-44 key signs checkpoints only: who trusts no other takes the bundle's own key for this.
    """
    ed25519 = {key.vkey: key for key in keys if isinstance(key, NoteVerifier)}
    text, lines = verified_lines(note, ed25519.values())
    signed = {line.verifier.vkey for line in lines}
    if not signed or len(split_note(note)[1]) != len(signed):
        raise NoteError("a signature too many, or none")
    trusted = {key.vkey for key in trust.keys_of(keys[0].name, keys)} & set(ed25519)
    if trusted and not trusted & signed:
        raise NoteError("not signed by a trusted key")
    return text


def _check_checkpoint(
    files: Mapping[str, bytes], keys: Sequence[AnyVerifier], trust: Trust
) -> Signed:
    note, more = files[CHECKPOINT], files.get(COSIGNATURES, b"")
    alone = read_checkpoint(note, CHECKPOINT, trust.in_the_log_alone(), offered=keys)
    if alone.checkpoint.origin != keys[0].name:
        raise BundleError(Fault.CHECKPOINT_FORM, CHECKPOINT)
    try:
        split_note(note + more)
    except NoteError as error:
        raise BundleError(Fault.COSIGNATURES_FORM, COSIGNATURES) from error
    return read_checkpoint(note + more, COSIGNATURES, trust, offered=keys)


def _check_policy(files: Mapping[str, bytes]) -> bool | None:
    """Whether the log keeps the policy that it has given itself, None when it has none."""
    if POLICY not in files:
        return None
    try:
        policy = parse_policy(files[POLICY])
    except PolicyError as error:
        raise BundleError(Fault.POLICY_FORM, POLICY) from error
    try:
        return policy.judge(files[CHECKPOINT] + files.get(COSIGNATURES, b"")).quorum
    except NoteError as error:
        raise BundleError(Fault.COSIGNATURES_FORM, COSIGNATURES) from error


def _check_container(files: Mapping[str, bytes], raw: bytes) -> None:
    try:
        check(raw, files)
    except ContainerError as error:
        raise BundleError(Fault.CONTAINER, error.name) from error

"""Whatever of a log somebody holds in her hands: find out what it is, and verify it.

Pure but for reading the files named. `python -m audit verify` and `consent-vault audit verify` ask
the same of the same code; the former needs nothing besides this folder, Python and `cryptography`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.bundle_files import MANIFEST
from audit.bundle_report import Report, checkpoint_json, log_line, signed_json, signed_lines
from audit.checkpoint import Checkpoint
from audit.cosignature import AnyVerifier, parse_vkey
from audit.event_proof import EventProof, EventProofError, verify_entry, verify_event_proof
from audit.faults import BundleError, Fault
from audit.merkle import leaf_hash
from audit.note import NoteError
from audit.promise import Promise, PromiseError, from_header, open_promise
from audit.published import verify_published
from audit.shards import is_log
from audit.trust import Trust
from audit.trust_policy import PolicyError, parse_policy
from audit.verify import check_sequence, verify_bundle
from audit.verify_checkpoint import Kept, by_origin, read_checkpoint
from audit.verify_event import moment_of
from audit.verify_times import Claim, sightings_of
from audit.verify_timestamps import CheckedStamp
from audit.verify_together import Verified, check_together

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PROOF = b"c2sp.org/tlog-proof@v1\n"
_PROMISE = b"consent-vault/event-promise/v1\n"
_ZIP = b"PK"
_LONGEST_TEXT = 1_000_000
_AGE = re.compile(r"(?P<number>[1-9][0-9]{0,5})(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class QuestionError(ValueError):
    """An option that cannot be used; its text says which and why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to verify with, besides the files."""

    trust: Trust = field(default_factory=Trust)
    older: tuple[bytes, ...] = ()
    """Checkpoints that the reader has kept."""
    entry: bytes | None = None
    """The entry that a `.tlog-proof` is about."""
    promises: tuple[tuple[str, bytes], ...] = ()
    """Event promises that the reader holds, by file name: each must have been kept."""
    first_log: str | None = None
    """The half-year in which the installation began, if the reader knows."""

    def __post_init__(self) -> None:
        if self.first_log is not None and not is_log(self.first_log):
            raise QuestionError("--first-log: a half-year, for example 2026h2")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found of one file."""

    path: Path
    kind: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"file": self.path.name, "kind": self.kind} | self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAnswer(Answer):
    """What one file proves of a log."""

    verified: Verified
    report: Report | None = None


def verify_paths(paths: Sequence[Path], question: Question) -> list[Answer]:
    """What each of the files proves; several exports of one log must follow upon each other.

    Raises BundleError with the first fault, and QuestionError when checkpoints were kept that
    nothing here could be held against.
    """
    kept = by_origin(question.older)
    answers = [verify_path(path, question, kept) for path in paths]
    if kept and not any(each.verified.whole for each in answers):
        raise QuestionError("--older: only an export or a published log shows what came before it")
    check_sequence([each.report for each in answers if each.report is not None])
    verified = [each.verified for each in answers]
    check_together(verified, question.trust, kept, question.first_log)
    return [*answers, *_promises(question, verified)]


def verify_path(path: Path, question: Question, kept: Kept) -> LogAnswer:
    """What a file or a folder proves by itself. Raises BundleError."""
    if path.is_dir() and not (path / MANIFEST).is_file():
        return _published(path, question, kept)
    data = b"" if path.is_dir() else _read(path)
    if path.is_dir() or data.startswith(_ZIP):
        return _export(path, question, kept)
    if len(data) > _LONGEST_TEXT:
        raise BundleError(Fault.UNKNOWN_KIND, path.name)
    if data.startswith(_PROOF):
        return _proof(path, data, question)
    if data.lstrip().startswith(b"{"):
        return _event_proof(path, data, question)
    signed = read_checkpoint(data, path.name, question.trust.at_any_time())
    checkpoint = signed.checkpoint
    text = f"The checkpoint of {checkpoint.origin} at {checkpoint.size} entries is signed"
    lines = [text, *signed_lines(signed, key_from_log=False)]
    found = Verified(path.name, signed, ())
    return LogAnswer(path, "checkpoint", "\n".join(lines), signed_json(signed), verified=found)


def _export(path: Path, question: Question, kept: Kept) -> LogAnswer:
    report = verify_bundle(path, trust=question.trust.at_any_time(), older=kept)
    found = Verified(
        path.name,
        report.signed,
        report.leaves,
        whole=True,
        previous=report.previous,
        first_known=report.size > 0,
        seen=report.seen,
    )
    lines = [
        str(report),
        *_beginning(found, question),
        *_unstamped(report.stamps, question.trust),
    ]
    values = report.to_json()
    return LogAnswer(path, "export", "\n".join(lines), values, verified=found, report=report)


def _beginning(log: Verified, question: Question) -> Iterator[str]:
    """Nothing in a log proves that none was before it, so that it is the reader's to know."""
    if not log.begins_history:
        return
    if question.first_log is not None:
        yield "It begins the history, as you say"
        return
    yield "It begins a history: no log is named as the one before it. That is right for the first"
    yield "  log of an installation only; say which one that is, where you know (--first-log)"


def _unstamped(stamps: Iterable[CheckedStamp], trust: Trust) -> list[str]:
    """Who names authorities and hears nothing of them must not think that they have stamped."""
    if not trust.authorities or any(each.at is not None for each in stamps):
        return []
    return ["No authority that you name has stamped it (--tsa-roots)"]


def trust_of(
    vkeys: Sequence[str],
    policy: bytes | None,
    max_age: str | None,
    *,
    tsa_roots: bytes | None = None,
    now: datetime,
) -> Trust:
    """What the options of a command ask of a log. Raises QuestionError."""
    try:
        keys = Trust.of(*(vkey.strip() for vkey in vkeys)).keys
    except NoteError as error:
        raise QuestionError(f"--vkey: {error}") from error
    try:
        parsed = None if policy is None else parse_policy(policy)
    except PolicyError as error:
        raise QuestionError(f"--policy: {error}") from error
    authorities = () if tsa_roots is None else _authorities(tsa_roots)
    return Trust(keys, parsed, None if max_age is None else now - _age(max_age), authorities)


def _authorities(pem: bytes) -> "tuple[Certificate, ...]":
    from audit.timestamp import RootsError, parse_roots  # brings much that others do not need

    try:
        return parse_roots(pem)
    except RootsError as error:
        raise QuestionError(f"--tsa-roots: {error}") from error


def _age(text: str) -> timedelta:
    match = _AGE.fullmatch(text)
    if match is None:
        raise QuestionError("--max-age: a number and s, m, h or d, for example 24h")
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def _published(path: Path, question: Question, kept: Kept) -> LogAnswer:
    found = verify_published(path, question.trust.at_any_time(), older=kept)
    checkpoint = found.signed.checkpoint
    verified = Verified(
        path.name,
        found.signed,
        found.leaves,
        whole=True,
        previous=found.previous,
        first_known=found.has_entries and checkpoint.size > 0,
        seen=found.seen,
    )
    lines = [
        log_line(checkpoint),
        *signed_lines(found.signed, key_from_log=found.key_from_log),
        *(f"It continues the checkpoint of {size} entries" for size in found.continues),
        *map(str, found.stamps),
        *_beginning(verified, question),
        *_unstamped(found.stamps, question.trust),
    ]
    if found.previous is not None:
        lines.append(f"It continues {found.previous.origin} after entry {found.previous.size}")
    if not found.has_entries:
        lines.append("There are no entries in the folder: the tree was checked from its tiles")
    values = signed_json(found.signed) | {
        "key_from_log": found.key_from_log,
        "has_entries": found.has_entries,
        "previous": None if found.previous is None else checkpoint_json(found.previous),
        "continues": list(found.continues),
        "stamps": [each.to_json() for each in found.stamps],
    }
    return LogAnswer(path, "published log", "\n".join(lines), values, verified=verified)


def _proof(path: Path, data: bytes, question: Question) -> LogAnswer:
    if question.entry is None:
        raise BundleError(Fault.NO_ENTRY, path.name)
    text, trust = _decoded(path, data), question.trust.at_any_time()
    index, signed = verify_entry(text, question.entry, trust, file=path.name)
    lines = [
        f"The entry {_stands(index, signed.checkpoint)}",
        *signed_lines(signed, key_from_log=False),
    ]
    found = Verified(path.name, signed, (leaf_hash(question.entry),))
    values = signed_json(signed) | {"index": index}
    return LogAnswer(path, "proof", "\n".join(lines), values, verified=found)


def _event_proof(path: Path, data: bytes, question: Question) -> LogAnswer:
    try:
        document = EventProof.parse(_decoded(path, data))
    except EventProofError as error:
        raise BundleError(Fault.DOCUMENT_FORM, path.name) from error
    proven = verify_event_proof(document, question.trust.at_any_time(), file=path.name)
    lines = [
        f"The event {proven.event_id} {_stands(proven.index, proven.signed.checkpoint)}",
        *signed_lines(proven.signed, key_from_log=False),
        *(f"  {name}: {value!a}" for name, value in proven.fields.items()),
    ]
    values = signed_json(proven.signed) | {
        "event_id": str(proven.event_id),
        "index": proven.index,
        "fields": proven.fields,
    }
    told = [Claim(proven.index, moment_of(proven.fields))] if "at" in proven.fields else []
    found = Verified(
        path.name,
        proven.signed,
        (leaf_hash(document.entry.encode()),),
        seen=sightings_of(proven.signed),
        claims=told,
    )
    return LogAnswer(path, "event", "\n".join(lines), values, verified=found)


def _promises(question: Question, verified: Sequence[Verified]) -> Iterator[Answer]:
    """Each promise is by the log and has been kept in what was verified."""
    if not question.promises:
        return
    told = dict.fromkeys(vkey for each in verified for vkey in each.signed.log_keys)
    keys = question.trust.logs or tuple(map(parse_vkey, told))
    leaves: defaultdict[str, set[bytes]] = defaultdict(set)
    for each in verified:
        leaves[each.name].update(each.leaves)
    for name, data in question.promises:
        promise = _promise(name, data, keys)
        # What one log has promised another one cannot keep, though both are verified here.
        if leaf_hash(promise.entry) not in leaves[promise.origin]:
            due = promise.due.isoformat()
            raise BundleError(Fault.PROMISE_BROKEN, f"{name} (to be kept by {due})")
        text = f"The promise of event {promise.event_id} has been kept"
        yield Answer(Path(name), "promise", text, {"event_id": str(promise.event_id)})


def _promise(name: str, data: bytes, keys: Sequence[AnyVerifier]) -> Promise:
    """From the note itself, or from the value of the header that carried it."""
    try:
        note = data if data.startswith(_PROMISE) else from_header(data.decode("ascii").strip())
        return open_promise(note, keys)
    except (PromiseError, UnicodeDecodeError) as error:
        raise BundleError(Fault.PROMISE_FORM, name) from error
    except NoteError as error:
        raise BundleError(Fault.PROMISE_SIGNATURE, name) from error


def _stands(index: int, checkpoint: Checkpoint) -> str:
    return f"stands at {index} in {checkpoint.origin}, of {checkpoint.size} entries"


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(Fault.UNKNOWN_KIND, path.name) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(Fault.UNREADABLE, path.name) from error

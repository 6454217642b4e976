"""Whatever of a log somebody holds in her hands: find out what it is, and verify it.

Pure but for reading the files named. `python -m audit verify` and `consent-vault audit verify` ask
the same of the same code; the former needs nothing besides this folder, Python and `cryptography`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
from audit.shards import name_of
from audit.trust import Trust
from audit.trust_policy import PolicyError, parse_policy
from audit.verify import check_sequence, verify_bundle
from audit.verify_checkpoint import read_checkpoint

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PROOF = b"c2sp.org/tlog-proof@v1\n"
_PROMISE = b"consent-vault/event-promise/v1\n"
_ZIP = b"PK"
_LONGEST_TEXT = 1_000_000
_WHOLE = {"export", "published log"}
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What one file proves."""

    path: Path
    kind: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)
    report: Report | None = None
    leaves: Sequence[bytes] = field(default=(), repr=False)
    """Hashes of the entries that are proven to stand in a log."""

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"file": self.path.name, "kind": self.kind} | self.values


def verify_paths(paths: Sequence[Path], question: Question) -> list[Answer]:
    """What each of the files proves; several exports of one log must follow upon each other.

    Raises BundleError with the first fault, and QuestionError when checkpoints were kept that
    nothing here could be held against.
    """
    answers = [verify_path(path, question) for path in paths]
    if question.older and not any(each.kind in _WHOLE for each in answers):
        raise QuestionError("--older: only an export or a published log shows what came before it")
    check_sequence([each.report for each in answers if each.report is not None])
    _check_links([each for each in answers if each.kind in _WHOLE])
    return [*answers, *_promises(question, answers)]


def _check_links(answers: Sequence[Answer]) -> None:
    """A log that goes on from another one here goes on from its end, however each is published."""
    by_size = sorted(answers, key=lambda each: each.values["size"])
    ends = {each.values["origin"]: each.values for each in by_size}
    for each in answers:
        previous = each.values["previous"]
        end = ends.get(previous["origin"]) if previous else None
        if end is not None and any(end[name] != value for name, value in previous.items()):
            raise BundleError(Fault.LINK, each.values["origin"], 0)


def verify_path(path: Path, question: Question) -> Answer:
    """What a file or a folder proves. Raises BundleError."""
    if path.is_dir() and not (path / MANIFEST).is_file():
        return _published(path, question)
    data = b"" if path.is_dir() else _read(path)
    if path.is_dir() or data.startswith(_ZIP):
        report = verify_bundle(path, trust=question.trust, older=question.older)
        text = "\n".join([str(report), *_unstamped(report, question.trust)])
        return Answer(path, "export", text, report.to_json(), report, report.leaves)
    if len(data) > _LONGEST_TEXT:
        raise BundleError(Fault.UNKNOWN_KIND, path.name)
    if data.startswith(_PROOF):
        return _proof(path, data, question)
    if data.lstrip().startswith(b"{"):
        return _event_proof(path, data, question)
    signed = read_checkpoint(data, path.name, question.trust)
    checkpoint = signed.checkpoint
    text = f"The checkpoint of {checkpoint.origin} at {checkpoint.size} entries is signed"
    lines = signed_lines(signed, key_from_log=False)
    return Answer(path, "checkpoint", "\n".join([text, *lines]), signed_json(signed))


def _unstamped(report: Report, trust: Trust) -> list[str]:
    """Who names authorities and hears nothing of them must not think that they have stamped."""
    if not trust.authorities or any(each.at is not None for each in report.stamps):
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


def _published(path: Path, question: Question) -> Answer:
    found = verify_published(path, question.trust, older=question.older)
    checkpoint = found.signed.checkpoint
    lines = [
        log_line(checkpoint),
        *signed_lines(found.signed, key_from_log=found.key_from_log),
        *(f"It continues the checkpoint of {size} entries" for size in found.continues),
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
    }
    return Answer(path, "published log", "\n".join(lines), values, leaves=found.leaves)


def _proof(path: Path, data: bytes, question: Question) -> Answer:
    if question.entry is None:
        raise BundleError(Fault.NO_ENTRY, path.name)
    text = _decoded(path, data)
    index, signed = verify_entry(text, question.entry, question.trust, file=path.name)
    checkpoint = signed.checkpoint
    lines = [f"The entry {_stands(index, checkpoint)}", *signed_lines(signed, key_from_log=False)]
    values = signed_json(signed) | {"index": index}
    return Answer(path, "proof", "\n".join(lines), values, leaves=(leaf_hash(question.entry),))


def _event_proof(path: Path, data: bytes, question: Question) -> Answer:
    try:
        document = EventProof.parse(_decoded(path, data))
    except EventProofError as error:
        raise BundleError(Fault.DOCUMENT_FORM, path.name) from error
    proven = verify_event_proof(document, question.trust, file=path.name)
    checkpoint = proven.signed.checkpoint
    lines = [
        f"The event {proven.event_id} {_stands(proven.index, checkpoint)}",
        *signed_lines(proven.signed, key_from_log=False),
        *(f"  {name}: {value!a}" for name, value in proven.fields.items()),
    ]
    values = signed_json(proven.signed) | {
        "event_id": str(proven.event_id),
        "index": proven.index,
        "fields": proven.fields,
    }
    leaves = (leaf_hash(document.entry.encode()),)
    return Answer(path, "event", "\n".join(lines), values, leaves=leaves)


def _promises(question: Question, answers: Sequence[Answer]) -> Iterator[Answer]:
    """Each promise is by the log and has been kept in what was verified."""
    if not question.promises:
        return
    told = {vkey for each in answers for vkey in each.values.get("keys", ())}
    keys = question.trust.logs or tuple(map(parse_vkey, told))
    leaves: defaultdict[str, set[bytes]] = defaultdict(set)
    for answer in answers:
        leaves[name_of(answer.values["origin"])].update(answer.leaves)
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

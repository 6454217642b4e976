"""What a witness decides (C2SP tlog-witness v1.0.0): has this log only grown since I saw it last?

Everything but the state: `read` gives what a request asks, `check` says whether the witness may
cosign it over what it knows, `cosign` makes the note to keep and the lines to answer. Whoever
holds the state must read it, check, keep the new note and commit in ONE transaction, and answer
after the commit: two requests checked beside each other would take leaves back, and a cosignature
that was answered and then forgotten would let the log do so.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.checkpoint import Checkpoint, CheckpointError
from audit.cosignature import Cosigner
from audit.log_family import FollowedLogs
from audit.merkle import EMPTY_ROOT, HASH_SIZE, ProofError, verify_consistency
from audit.note import NoteError, Verifier, format_line, verified_lines

MAX_PROOF_LINES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class WitnessRefusalError(Exception):
    """A request that the witness does not cosign."""


class MalformedRequestError(WitnessRefusalError):
    """The request is not of the form that the protocol gives it (status 400)."""


class UnknownLogError(WitnessRefusalError):
    """The witness does not follow a log of this origin (status 404)."""


class UnsignedCheckpointError(WitnessRefusalError):
    """No key that the witness trusts for the log has signed, or one's signature is wrong (403)."""


class OtherSizeError(WitnessRefusalError):
    """The witness has cosigned another size last (status 409); the answer says which."""

    def __init__(self, known: int) -> None:
        super().__init__(f"the last cosigned size is {known}")
        self.known = known


class InconsistentError(WitnessRefusalError):
    """The checkpoint is not shown to continue the one that was cosigned last (status 422)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks a witness: cosign this, and here is why you may."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
    signed: tuple[str, ...]
    """The lines by keys that the witness trusts, and no others."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What the witness keeps, and what it answers."""

    note: bytes
    answer: bytes


def read(body: bytes, logs: FollowedLogs) -> Request:
    """What the request asks. Raises MalformedRequest-, UnknownLog- or UnsignedCheckpointError."""
    head, separator, note = body.partition(b"\n\n")
    if not separator:
        raise MalformedRequestError("no empty line")
    old_size, proof = _head(head)
    checkpoint = _parsed(note)
    verifiers = logs.verifiers(checkpoint.origin)
    if not verifiers:
        raise UnknownLogError("not a log that is followed here")
    return Request(old_size, proof, checkpoint, _signed(note, verifiers))


def check(request: Request, known: Checkpoint | None) -> None:
    """Raises unless the checkpoint continues `known`, what was cosigned last for this origin."""
    new = request.checkpoint
    size = 0 if known is None else known.size
    if request.old_size > new.size:
        raise MalformedRequestError("the old size is beyond the checkpoint")
    if request.old_size != size:
        raise OtherSizeError(size)
    if new.size == 0 and new.root != EMPTY_ROOT:
        raise InconsistentError("an empty tree has another root")
    if known is None or size == 0:
        if request.proof:
            raise InconsistentError("nothing is to be proven from the empty tree")
        return
    try:
        verify_consistency(
            old_size=size,
            old_root=known.root,
            new_size=new.size,
            new_root=new.root,
            proof=request.proof,
        )
    except ProofError as error:
        raise InconsistentError(str(error)) from error


def cosign(request: Request, cosigners: Sequence[Cosigner], at: int) -> Cosigned:
    """The note with the log's verified lines and ours; only ours are the answer.

    The text is written anew from what was understood, and lines that nobody verified are left
    out: a forged one under our own name, once kept, would make our own state unreadable.
    """
    text = str(request.checkpoint)
    lines = "".join(cosigner.cosign(text, at) for cosigner in cosigners)
    return Cosigned(f"{text}\n{''.join(request.signed)}{lines}".encode(), lines.encode())


def _head(head: bytes) -> tuple[int, tuple[bytes, ...]]:
    try:
        first, *rest = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedRequestError("not ASCII before the checkpoint") from error
    old = _OLD.fullmatch(first)
    if old is None:
        raise MalformedRequestError("no old size")
    if len(rest) > MAX_PROOF_LINES:
        raise MalformedRequestError("too many lines of proof")
    return int(old[1]), tuple(_hash(line) for line in rest)


def _hash(line: str) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedRequestError("a line of proof is not base64") from error
    if len(value) != HASH_SIZE or base64.b64encode(value).decode("ascii") != line:
        raise MalformedRequestError("a line of proof is not a hash")
    return value


def _parsed(note: bytes) -> Checkpoint:
    """The checkpoint in the text of the note, whose signatures are looked at afterwards."""
    text, separator, _ = note.rpartition(b"\n\n")
    if not separator:
        raise MalformedRequestError("the checkpoint has no signatures")
    try:
        return Checkpoint.parse(text.decode("utf-8") + "\n")
    except (UnicodeDecodeError, CheckpointError) as error:
        raise MalformedRequestError("not a checkpoint, or one with extension lines") from error


def _signed(note: bytes, verifiers: Sequence[Verifier]) -> tuple[str, ...]:
    try:
        _, lines = verified_lines(note, verifiers)
    except NoteError as error:
        raise UnsignedCheckpointError(str(error)) from error
    if not lines:
        raise UnsignedCheckpointError("no signature by a key that is trusted for this log")
    # One line by each key: Ed25519 has more than one signature that verifies for some messages,
    # and whoever sends a hundred of them would have us keep them.
    by_key = {(line.verifier.name, line.verifier.key_id): line.signature for line in lines}
    return tuple(format_line(name, key_id, made) for (name, key_id), made in by_key.items())

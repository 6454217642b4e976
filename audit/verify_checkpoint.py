"""The keys and the checkpoint of a log that is verified, each refusal named by file. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from audit.checkpoint import Checkpoint, CheckpointError
from audit.cosignature import AnyVerifier, parse_vkey
from audit.faults import BundleError, Fault
from audit.merkle import fold, tree_hash
from audit.note import NoteError, Verifier, split_note
from audit.trust import QuorumError, Signed, StaleError, Trust, open_believed

OLDER = "the older checkpoint"
_MOST_KEYS = 20

Kept = Mapping[str, Sequence[bytes]]
"""Checkpoints that a reader has kept, by the origin of the log that each says it is of."""
NOTHING_KEPT: Kept = MappingProxyType({})


def by_origin(notes: Iterable[bytes]) -> Kept:
    """Each for the log that it is to be held against. Raises BundleError."""
    kept: defaultdict[str, list[bytes]] = defaultdict(list)
    for note in notes:
        kept[claimed(note, OLDER).origin].append(note)
    return kept


def claimed(note: bytes, file: str) -> Checkpoint:
    """The checkpoint in a note, whoever has signed it. Raises BundleError."""
    try:
        return Checkpoint.parse(split_note(note)[0])
    except (NoteError, CheckpointError) as error:
        raise BundleError(Fault.CHECKPOINT_FORM, file) from error


def read_vkeys(data: bytes, file: str) -> tuple[AnyVerifier, ...]:
    """The keys in a file that came with a log: one to a line. Raises BundleError."""
    try:
        lines = data.decode("ascii").splitlines(keepends=True)
        keys = tuple(parse_vkey(line.removesuffix("\n")) for line in lines)
    except (UnicodeDecodeError, NoteError) as error:
        raise BundleError(Fault.VKEY_FORM, file) from error
    canonical = "".join(f"{key.vkey}\n" for key in keys)
    # The names in it go to a terminal, beside the words that say whose keys these are.
    if not 0 < len(keys) <= _MOST_KEYS or canonical.encode() != data or not _is_plain(canonical):
        raise BundleError(Fault.VKEY_FORM, file)
    return keys


def read_checkpoint(
    note: bytes, file: str, trust: Trust, *, offered: Collection[Verifier] = ()
) -> Signed:
    """The checkpoint in a note that carries what the reader asks for. Raises BundleError."""
    try:
        signed = open_believed(note, trust, offered=offered)
    except NoteError as error:
        raise BundleError(Fault.CHECKPOINT_SIGNATURE, file) from error
    except CheckpointError as error:
        raise BundleError(Fault.CHECKPOINT_FORM, file) from error
    except QuorumError as error:
        raise BundleError(Fault.QUORUM, file) from error
    except StaleError as error:
        raise BundleError(Fault.STALE, file) from error
    if not _is_plain(signed.checkpoint.origin):
        raise BundleError(Fault.CHECKPOINT_FORM, file)
    return signed


def check_continues(
    note: bytes,
    newest: Signed,
    leaves: Sequence[bytes],
    trust: Trust,
    *,
    offered: Collection[Verifier] = (),
) -> Signed:
    """An older checkpoint, which the log with these leaf hashes continues.

    Nothing is asked of witnesses there. Raises BundleError.
    """
    old = read_checkpoint(note, OLDER, trust.in_the_log_alone(), offered=offered)
    check_history(old.checkpoint, newest, leaves, file=OLDER)
    return old


def check_history(old: Checkpoint, newest: Signed, leaves: Sequence[bytes], *, file: str) -> None:
    """That the log with these leaf hashes continues an older checkpoint, whoever has signed that.

    Raises BundleError.
    """
    if old.origin != newest.checkpoint.origin:
        raise BundleError(Fault.OTHER_LOG, file)
    if old.size > newest.checkpoint.size:
        raise BundleError(Fault.SHRUNK, file, newest.checkpoint.size)

    def node(level: int, index: int) -> bytes:
        return fold(leaves[index << level : (index + 1) << level])

    # All leaves are here, so that no proof is needed: the root over the first of them is made.
    if tree_hash(node, 0, old.size) != old.root:
        raise BundleError(Fault.FORKED, file)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").isprintable()

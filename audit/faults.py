"""What can be wrong with an exported log, each in words for whoever verifies it. Pure."""

from enum import StrEnum


class Fault(StrEnum):
    """The first thing that is wrong; the text is what `audit verify` shows."""

    CONTAINER = "the container was changed: it is not the one zip file that these files can be"
    UNREADABLE = "the file cannot be read"
    UNKNOWN_KIND = "this is no export, proof or checkpoint of a log"
    NO_ENTRY = "a proof says where an entry stands, not which one: give the entry too (--entry)"
    DOCUMENT_FORM = "this is not the document of an event with its proof"
    MISSING = "the file is missing"
    UNKNOWN_FILE = "the file does not belong to the bundle"
    FILE_NAME = "there is a file whose name no file of a bundle has"
    VKEY_FORM = "this is not a verification key of a log"
    OTHER_KEY = "the log is by other keys than those that you trust"
    COSIGNATURES_FORM = "these are not lines of signatures under the checkpoint"
    POLICY_FORM = "this is not a policy of witnesses"
    MANIFEST_SIGNATURE = "the manifest is not signed by the log's key"
    MANIFEST_FORM = "this is not a manifest of this log"
    CHECKPOINT_SIGNATURE = "the checkpoint is not signed by the log's key"
    CHECKPOINT_FORM = "this is not a checkpoint of this log"
    QUORUM = "fewer of the witnesses that you name have cosigned than your policy asks for"
    STALE = "no witness that you name has cosigned as lately as you ask for"
    OTHER_LOG = "this is a checkpoint of another log"
    SHRUNK = "the log is smaller than in the older checkpoint: something was taken back"
    FORKED = "the log does not continue the older checkpoint: its history was changed"
    TIMESTAMP = "the time stamp is not by an authority that you trust, or of another checkpoint"
    LINE_FORM = "the line is not an event in canonical form"
    LINE_COUNT = "there are not as many events as the checkpoint says"
    LINE_ORDER = "the line does not stand at its index"
    EVENT_TWICE = "the event stands in the log twice"
    DIGESTS = "the digests are not the different SHA-256 hashes that an event has"
    COMMITMENT = "event and entry differ: id and digests do not give the commitment in the log"
    DISCLOSURE_FORM = "a disclosure is not salt, name and value of a field of the log"
    DISCLOSURE = "a disclosed field is not one the log commits to"
    FIELD_FORM = "a disclosed kind or time is not written as the log writes it"
    BACKDATED = (
        "the entry claims a time at which somebody outside saw the log without it, or an earlier"
        " one: it was written late, or backdated"
    )
    POSTDATED = "the entry claims a later time than when somebody outside saw it in the log"
    CHAIN = "the event does not follow upon the one before it in the chain of its person"
    CHAIN_GAP = "events of this person are missing before this one"
    NAME_TWICE = "a field is disclosed twice"
    LINK_FORM = "the first entry ties this log to another one, but holds no checkpoint"
    LINK = (
        "this log does not go on from the log before it: the checkpoint in its first entry differs"
    )
    UNLINKED = "there was a log before this one, which its first entry does not name"
    NOT_FIRST = "this is not the first log, as you say: it goes on from another one"
    PROMISE_FORM = "this is not a promise in canonical form"
    PROMISE_SIGNATURE = "the promise is not signed by a key of the log"
    PROMISE_BROKEN = "no log here holds the event that was promised"
    PROOF_FORM = "this is not a proof in canonical form"
    PROOF = "the proof does not lead to the signed root: the entry does not stand there"
    TWO_HISTORIES = "another entry stands at this place in the log that you give beside it"
    ENTRIES_FORM = "the bundle of entries is cut, or holds too few or too many"
    TILE_FORM = "the tile is cut, or holds too few or too many hashes"
    TILE = "a hash in the tile is not the one the entries give"
    ROOT = "the entries do not give the signed root"
    FILE_DIGEST = "the file is not the one that the manifest names"


class BundleError(ValueError):
    """The first fault found: in which file, at which entry, and what it is."""

    def __init__(self, fault: Fault, file: str | None, entry: int | None = None) -> None:
        self.fault = fault
        self.file = file
        self.entry = entry
        place = "the bundle" if file is None else file
        place += "" if entry is None else f", entry {entry}"
        super().__init__(f"{place}: {fault}")

    def to_json(self) -> dict[str, str | int | None]:
        """The same for a program."""
        return {
            "fault": self.fault.name.lower().replace("_", "-"),
            "message": str(self.fault),
            "where": self.file,
            "entry": self.entry,
        }

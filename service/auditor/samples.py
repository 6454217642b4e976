"""A random sample of the log: drawn, shown, and taken out with its proofs.

What is drawn follows from the seed and the size of the signed tree alone (audit.sampling), so
anybody draws the same again, without us.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from audit.evidence import Evidence, evidence
from audit.model import Event, Kind
from audit.proofs import checkpoint_at, log_state
from audit.sampling import Sample, SampleError, new_seed
from audit.shards import is_log
from audit.tree import StoredTree
from audit.unit_of_work import begin
from consent.authorization_details import case_number
from service.auditor.fields import AuditQuestionError, Fault, Fields
from service.auditor.looking import Row, row_of
from service.auditor.reasons import Stated
from service.auditor.shown import ShownTexts
from service.runtime import Runtime
from service.sessions import Session

FIELDS = ("reason", "case", "seed", "count", "start", "log", "size")
"""The names of all fields, on the page and in JSON."""

DISCLOSED = frozenset(
    {
        "kind",
        "at",
        "organisation",
        "client",
        "consent",
        "purpose",
        "basis",
        "attributes",
        "reason",
        "case",
    }
)
"""The fields that go out with a sample: those that name nobody."""

COUNT = 25
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")  # fits into a column of the database


class NothingToSampleError(LookupError):
    """The log has signed no checkpoint, or none of the size asked for."""


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """A sample of one log, and why it is drawn."""

    stated: Stated
    log: str
    sample: Sample
    digest: str

    def event(self, kind: Kind) -> Event:
        """The event of the drawing, or of taking the drawn out."""
        return Event(
            kind=kind,
            reason=self.stated.reason.value,
            reference=f"{self.log}/{self.sample.size}",
            case=self.stated.case,
            digest=self.digest,
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample with its entries; `rows` has None where an index stands for no event."""

    question: SampleQuestion
    checkpoint: bytes
    evidence: list[Evidence]
    rows: list[Row | None]


def read_sample(connection: Connection, given: Mapping[str, str]) -> SampleQuestion:
    """The question in these fields; without a size, of the newest signed tree.

    Raises AuditQuestionError and NothingToSampleError.
    """
    fields = Fields(given, FIELDS)
    stated = fields.stated()
    seed = fields.read("seed", case_number, Fault.FORM)
    count = fields.read("count", _number, Fault.RANGE)
    start = fields.read("start", _number, Fault.RANGE)
    log = fields.read("log", lambda text: text if is_log(text) else None, Fault.FORM)
    size = fields.read("size", _number, Fault.RANGE)
    fields.check()
    state = log_state(connection)
    if state.log is None:
        raise NothingToSampleError
    log, size = log or state.log, state.size if size is None else size
    try:
        sample = Sample(seed or new_seed(), size, COUNT if count is None else count, start or 0)
    except SampleError as error:
        raise AuditQuestionError({error.member: Fault.RANGE}) from error
    drawn = Fields({**_members(log, sample)}, ("log", *_members(log, sample)))
    return SampleQuestion(stated, log, sample, drawn.digest())


def draw(runtime: Runtime, session: Session, question: SampleQuestion, kind: Kind) -> Drawn:
    """The sample's entries, after the event. Raises NothingToSampleError."""
    sample = question.sample
    with runtime.ledger.read() as connection:
        note = checkpoint_at(connection, sample.size, log=question.log)
    if note is None:
        raise NothingToSampleError
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(question.event(kind))
    with runtime.ledger.read() as connection:
        tree = StoredTree(connection, question.log, sample.size)
        found = evidence(connection, runtime.ledger, tree, note, sample.indexes(), names=DISCLOSED)
        texts = ShownTexts(connection)
        rows = [
            None if each.entry is None else row_of(runtime, texts, each.entry) for each in found
        ]
    return Drawn(question, note, found, rows)


def fields_of(question: SampleQuestion) -> dict[str, str]:
    """The question as fields, complete: given back, it draws the same."""
    stated = {"reason": question.stated.reason.value, "case": question.stated.case or ""}
    return {**stated, **_members(question.log, question.sample)}


def _members(log: str, sample: Sample) -> dict[str, str]:
    return {
        "log": log,
        "size": str(sample.size),
        "seed": sample.seed,
        "count": str(sample.count),
        "start": str(sample.start),
    }


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None

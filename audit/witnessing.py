"""Asking witnesses to cosign what our log became, and keeping what they sign (C2SP tlog-witness).

Each witness is asked apart from the others and outside any transaction: one that is slow or dead
holds nobody up. A witness that knows more of our log than our database is evidence of a restored
backup and goes to the guard (`audit.rollback`), if it can show what it knows under our signature.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from audit.checkpoint import CheckpointError
from audit.cosignature import CosignatureVerifier, cosigned_at
from audit.log_signers import LogSigners
from audit.merkle import consistency_proof
from audit.note import NoteError, format_line, verified_lines
from audit.proofs import with_cosignatures
from audit.rollback import Seen
from audit.store import tree as store
from audit.store import witnessing as kept
from audit.store.witnessing import CosignatureRow
from audit.tree import StoredTree
from audit.trust_policy import Policy, moment_of
from audit.unit_of_work import Ledger

REFRESH = timedelta(hours=1)
"""A checkpoint that nothing was added to is cosigned again, so that it is known to be fresh."""
PATIENCE = timedelta(minutes=1)
"""A witness that failed is left alone for so long."""
_ATTEMPTS = 3


class WitnessError(Exception):
    """A witness did not cosign; the text says why and holds nothing that it sent."""


class WitnessKnowsOtherSizeError(WitnessError):
    """The witness has cosigned another size last (status 409)."""

    def __init__(self, known: int) -> None:
        super().__init__(f"it has cosigned size {known} last")
        self.known = known


class WitnessPort(Protocol):
    """A witness as we reach it; the calls raise WitnessError."""

    @property
    def name(self) -> str:
        """What the operator calls it."""
        ...

    @property
    def verifiers(self) -> Collection[CosignatureVerifier]:
        """Its keys."""
        ...

    def add_checkpoint(self, body: bytes) -> bytes:
        """Its signature lines for an add-checkpoint request."""
        ...

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """What it cosigned last for a log, None when it never did."""
        ...


@dataclass(slots=True)
class _Standing:
    """How one witness stands with one log."""

    known: int = 0
    cosigned: int | None = None
    at: datetime | None = None
    not_before: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessStatus:
    """How one witness stands with the newest log, for the operator."""

    name: str
    size: int | None
    at: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class CosignedState:
    """How far the newest log is cosigned by as many witnesses as the policy asks for."""

    log: str | None
    size: int
    """Size of the newest checkpoint."""
    cosigned: int | None
    """Size of the newest checkpoint that has the quorum."""
    behind: timedelta
    """How long before the newest checkpoint that one was signed."""
    newest: datetime | None
    """Time of its newest cosignature."""
    witnesses: Mapping[str, datetime] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def problem(self, now: datetime) -> str | None:
        """What is wrong, as a code for alarm and metrics; None when all is well."""
        if self.log is None:
            return None
        if self.cosigned is None:
            return "quorum-never-reached"
        if self.behind > 5 * PATIENCE:
            return "quorum-not-reached"
        if self.newest is not None and now - self.newest > 2 * REFRESH:
            return "cosignatures-stale"
        return None


class Witnessing:
    """Brings checkpoints of one ledger to its witnesses."""

    def __init__(
        self,
        ledger: Ledger,
        signers: LogSigners,
        witnesses: Sequence[WitnessPort],
        *,
        interval: timedelta = timedelta(seconds=10),
    ) -> None:
        self._ledger = ledger
        self._signers = signers
        self._witnesses = tuple(witnesses)
        self._interval = interval
        self._found: Callable[[Sequence[Seen]], None] = lambda _seen: None
        self._standings: dict[tuple[str, str], _Standing] = {}

    def tell(self, found: Callable[[Sequence[Seen]], None]) -> None:
        """Whom to tell of a witness that shows more than our database has."""
        self._found = found

    def run_once(self, now: datetime) -> int:
        """Ask every witness that is due; gives how many checkpoints were cosigned."""
        with self._ledger.read() as connection:
            rows = _newest(connection)
        due = [
            (witness, row)
            for row in rows
            for witness in self._witnesses
            if self._is_due(witness, row, now, closed=row is not rows[-1])
        ]
        if not due:
            return 0
        with ThreadPoolExecutor(len(due), "witness") as pool:
            return sum(pool.map(lambda pair: self._ask(pair[0], pair[1], now), due))

    def seen_by_witnesses(self, logs: Sequence[str]) -> list[Seen]:
        """What the witnesses know of these logs; those that do not answer know nothing."""
        asked = [(witness, log) for witness in self._witnesses for log in logs]
        if not asked:
            return []
        with ThreadPoolExecutor(len(asked), "witness") as pool:
            found = pool.map(lambda pair: self._seen(pair[0], pair[1]), asked)
            return [seen for seen in found if seen is not None]

    def statuses(self) -> list[WitnessStatus]:
        """How each witness stands with the newest log that it was asked about."""
        found = []
        for witness in self._witnesses:
            # A copy, made in one step: the thread that asks may begin with another log meanwhile.
            logs = [log for name, log in tuple(self._standings) if name == witness.name]
            standing = self._standings[witness.name, max(logs)] if logs else _Standing()
            found.append(
                WitnessStatus(witness.name, standing.cosigned, standing.at, standing.problem)
            )
        return found

    def _standing(self, witness: WitnessPort, log: str) -> _Standing:
        return self._standings.setdefault((witness.name, log), _Standing())

    def _is_due(
        self, witness: WitnessPort, row: store.CheckpointRow, now: datetime, *, closed: bool
    ) -> bool:
        standing = self._standing(witness, row.log)
        if standing.not_before is not None and now < standing.not_before:
            return False
        if standing.cosigned != row.size:
            return True
        # A log that is closed does not grow; its last checkpoint is cosigned once.
        return not closed and (standing.at is None or now - standing.at >= REFRESH)

    def _ask(self, witness: WitnessPort, row: store.CheckpointRow, now: datetime) -> bool:
        standing = self._standing(witness, row.log)
        try:
            lines = self._cosigned(witness, row, standing)
        except WitnessError as error:
            standing.problem = str(error)
            standing.not_before = now + PATIENCE
            return False
        with self._ledger.writer.unaccounted_transaction() as connection:
            kept.insert_cosignatures(connection, lines)
        standing.known = standing.cosigned = row.size
        standing.at, standing.problem = now, None
        standing.not_before = now + self._interval
        return True

    def _cosigned(
        self, witness: WitnessPort, row: store.CheckpointRow, standing: _Standing
    ) -> list[CosignatureRow]:
        for _ in range(_ATTEMPTS):
            body = self._request(row, min(standing.known, row.size))
            try:
                return _lines(witness, row, witness.add_checkpoint(body))
            except WitnessKnowsOtherSizeError as error:
                standing.known = error.known
                if error.known > row.size:
                    # Another process of ours may have grown and shown the log meanwhile; whether
                    # our database leads up to it is for the guard to see.
                    self._report(witness, row.log)
                    raise
            except WitnessError:
                self._report(witness, row.log)
                raise
        raise WitnessError("it names another size each time")

    def _report(self, witness: WitnessPort, log: str) -> None:
        seen = self._seen(witness, log)
        if seen is not None:
            self._found([seen])

    def _request(self, row: store.CheckpointRow, old: int) -> bytes:
        with self._ledger.read() as connection:
            tree = StoredTree(connection, row.log, row.size)
            hashes = consistency_proof(tree.node, old, row.size) if 0 < old < row.size else []
        lines = [f"old {old}", *(base64.b64encode(each).decode("ascii") for each in hashes)]
        return "\n".join([*lines, "", ""]).encode() + row.note

    def _seen(self, witness: WitnessPort, log: str) -> Seen | None:
        origin = self._signers.origin(log)
        try:
            note = witness.checkpoint(hashlib.sha256(origin.encode()).hexdigest())
            if note is None:
                return None
            return Seen.of(f"witness {witness.name}", note, self._signers.verifiers)
        except (WitnessError, NoteError, CheckpointError):
            return None  # it shows nothing that we have signed, so there is nothing to answer for


def _newest(connection: Connection) -> list[store.CheckpointRow]:
    """The last checkpoint of the newest log, after that of the one before it, which may have been
    closed before every witness had its end. A log that was begun anew follows on none of ours."""
    logs = store.logs(connection)[-2:]
    if logs and logs[-1] in {start.log for start in kept.log_starts(connection)}:
        logs = logs[-1:]
    rows = (store.last_checkpoint(connection, log) for log in logs)
    return [row for row in rows if row is not None]


def _lines(witness: WitnessPort, row: store.CheckpointRow, answer: bytes) -> list[CosignatureRow]:
    """The lines by known keys of the witness. Raises WitnessError when there are none."""
    try:
        _, verified = verified_lines(row.note + answer, witness.verifiers)
    except NoteError as error:
        raise WitnessError("its answer is not a cosignature of this checkpoint") from error
    found = []
    for line in verified:
        at = cosigned_at(line.verifier, line.signature)
        # C2SP tlog-witness: the time must not be left out. One that no calendar has is none.
        moment = None if at is None else moment_of(at)
        if moment is not None:
            name = f"{line.verifier.name}+{line.verifier.key_id.hex()}"
            text = format_line(line.verifier.name, line.verifier.key_id, line.signature)
            found.append(CosignatureRow(row.log, row.size, name, moment, text.encode()))
    if not found:
        raise WitnessError("its answer has no line by a key that we know")
    return found


def cosigned_state(
    connection: Connection, policy: Policy, *, log: str | None = None
) -> CosignedState:
    """How the newest log stands with the quorum; from the database, so in any process."""
    last = store.last_checkpoint(connection, log)
    if last is None:
        return CosignedState(None, 0, None, timedelta(), None)
    for size in kept.cosigned_sizes(connection, last.log) or [last.size]:
        row = store.checkpoint_of(connection, last.log, size)
        if row is None:
            continue
        verdict = policy.judge(with_cosignatures(connection, row))
        if verdict.quorum:
            return CosignedState(
                last.log, last.size, size, last.at - row.at, verdict.newest,
                verdict.cosigned, verdict.missing,
            )  # fmt: skip
    missing = tuple(witness.name for witness in policy.witnesses)
    return CosignedState(last.log, last.size, None, timedelta(), None, {}, missing)

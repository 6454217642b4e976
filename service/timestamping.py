"""Having the log's checkpoints stamped by authorities outside (RFC 3161), once an hour.

The process that signs the log asks. Nothing waits for an authority: one that does not answer, or
whose answer does not hold, is told in the log and by an alarm, and is asked again.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.x509 import Certificate
from sqlalchemy import Connection

from audit import timestamping
from audit.sequencer import Sequencer
from audit.timestamp import Request, TimestampError, check_answer, parse_roots
from audit.timestamping import Stamped, ToStamp
from audit.unit_of_work import Ledger
from connectors.ports import TimestampAuthority, TimestampingError
from connectors.timestamping import TimestampClient
from service.jobs import Job
from service.settings import Settings

PATIENCE = timedelta(minutes=5)
"""An authority that failed is left alone for so long."""
_NONCE_BITS = 64

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """An authority, and the policy that it is to stamp under if not its usual one."""

    authority: TimestampAuthority
    policy: str | None = None

    @property
    def name(self) -> str:
        return self.authority.name


class TimestampJob(Job):
    """Asks each authority when a checkpoint is due, and keeps what it answers once it holds."""

    name = "timestamps"
    interval_seconds = 5.0

    def __init__(
        self,
        ledger: Ledger,
        authorities: Sequence[Asked],
        roots: Sequence[Certificate],
        *,
        signs: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._ledger = ledger
        self._signs = signs
        self._authorities = tuple(authorities)
        self._roots = tuple(roots)
        self._not_before: dict[str, datetime] = {}

    def run_once(self, now: datetime) -> int:
        """Gives how many stamps were kept."""
        if not self._signs():
            return 0  # a standby: the one that signs asks
        clock = _going_on_from(now)
        return sum(self._ask(asked, clock) for asked in self._authorities)

    def problem(self, connection: Connection, now: datetime) -> str | None:
        """The alarm: a stamp that is late, by any authority; tells it in any process."""
        return timestamping.problem(connection, [each.name for each in self._authorities], now)

    @property
    def asks(self) -> bool:
        """Whether there is an authority to ask."""
        return bool(self._authorities)

    def _ask(self, asked: Asked, clock: Callable[[], datetime]) -> int:
        now = clock()
        if self._stop.is_set() or now < self._not_before.get(asked.name, now):
            return 0
        with self._ledger.read() as connection:
            due = timestamping.due(connection, asked.name, now)
        try:
            for each in due:
                self._stamp(asked, each, clock)
        except (TimestampingError, TimestampError) as error:
            self._not_before[asked.name] = now + PATIENCE
            _log.error("timestamp-failed", authority=asked.name, reason=str(error))
            return 0
        return len(due)

    def _stamp(self, asked: Asked, due: ToStamp, clock: Callable[[], datetime]) -> None:
        """Raises TimestampingError or TimestampError; nothing is kept then."""
        request = Request(due.note, secrets.randbits(_NONCE_BITS), asked.policy)
        answer = asked.authority.answer(bytes(request))
        stamp = check_answer(answer, request, self._roots, asked_at=clock())
        stamped = Stamped(due.log, due.size, asked.name, stamp.at)
        timestamping.keep(self._ledger, stamped, answer)


def open_timestamping(settings: Settings, ledger: Ledger, sequencer: Sequencer) -> TimestampJob:
    """The job by these settings, which were checked. Raises OSError, RootsError and
    InsecureUrlError."""
    authorities = [
        Asked(TimestampClient(name, url), settings.timestamp_policies.get(name))
        for name, url in sorted(settings.timestamp_authorities.items())
    ]
    pem = settings.timestamp_roots
    roots = () if pem is None or not authorities else parse_roots(pem.read_bytes())
    return TimestampJob(ledger, authorities, roots, signs=lambda: sequencer.works)


def _going_on_from(now: datetime) -> Callable[[], datetime]:
    """A clock for the time of one run: authorities may take long to answer."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)

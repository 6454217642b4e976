"""What stands around the log's signature: the copy outside, the witnesses, and their policy.

One process signs the log, and the same one asks the witnesses; any process can tell how it
stands, from the database and the copy.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from sqlalchemy import Connection

from audit.log_signers import LogSigners
from audit.outside_copy import OutsideCopy
from audit.proofs import logs as signed_logs
from audit.rollback import RollbackGuard
from audit.sequencer import Sequencer
from audit.trust_policy import Policy, Witness, parse_policy
from audit.unit_of_work import Ledger
from audit.witnessing import CosignedState, Witnessing, WitnessStatus, cosigned_state
from connectors.witness_client import WitnessClient
from service.jobs import Job
from service.settings import Settings

COPY_NAME = "log-checkpoint"
_TELL_AGAIN_SECONDS = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LogWatch:
    """The guard before the signature, and the witnesses after it."""

    ledger: Ledger
    guard: RollbackGuard
    witnessing: Witnessing
    policy: Policy | None
    clients: tuple[WitnessClient, ...] = ()

    def close(self) -> None:
        """Let go of the connections to the witnesses."""
        for client in self.clients:
            client.close()

    def refusal(self, connection: Connection) -> str | None:
        """Why nothing may be signed, in words for the operator; None when all is well."""
        return self.guard.problem(connection)

    def cosigned(self, connection: Connection) -> CosignedState | None:
        """How the newest log stands with the quorum; None without a policy."""
        return None if self.policy is None else cosigned_state(connection, self.policy)

    def witnesses(self) -> list[WitnessStatus]:
        """How each witness stands, in the process that signs."""
        return self.witnessing.statuses()

    def alarms(self, connection: Connection, now: datetime) -> tuple[str, ...]:
        """Codes of what is wrong: `log-refused`, and what is wrong with the quorum."""
        cosigned = self.cosigned(connection)
        quorum = None if cosigned is None else cosigned.problem(now)
        refused = "log-refused" if self.refusal(connection) is not None else None
        return tuple(code for code in (refused, quorum) if code is not None)

    def prepare(self) -> None:
        """Ask the witnesses what they know, if nobody has asked yet."""
        with self.ledger.read() as connection:
            known = signed_logs(connection)[-2:]
        self.guard.prepare(known)


class WitnessJob(Job):
    """Brings what was signed to the witnesses, and says why nothing is signed."""

    name = "witnesses"
    interval_seconds = 1.0

    def __init__(self, watch: LogWatch, sequencer: Sequencer) -> None:
        super().__init__()
        self._watch = watch
        self._sequencer = sequencer
        self._told_at = -_TELL_AGAIN_SECONDS

    def run_once(self, now: datetime) -> int:
        """Gives how many checkpoints were cosigned."""
        if not self._sequencer.works:
            return 0  # a standby: the one that signs asks
        self._watch.prepare()
        with self._watch.ledger.read() as connection:
            refusal = self._watch.refusal(connection)
        if refusal is None:
            return self._watch.witnessing.run_once(now)
        if time.monotonic() - self._told_at >= _TELL_AGAIN_SECONDS:
            self._told_at = time.monotonic()
            _log.error("log-refused", reason=refusal)
        return 0


def open_watch(settings: Settings, ledger: Ledger, signers: LogSigners) -> LogWatch:
    """The watch by these settings. Raises PolicyError, InsecureUrlError and OSError."""
    policy = None if settings.log_policy is None else parse_policy(settings.log_policy.read_bytes())
    witnesses = () if policy is None else tuple(clients(policy))
    interval = timedelta(seconds=settings.witness_seconds)
    copy = OutsideCopy(settings.log_copy or settings.data_folder / COPY_NAME)
    witnessing = Witnessing(ledger, signers, witnesses, interval=interval)
    guard = RollbackGuard(copy, signers.verifiers, witnessing.seen_by_witnesses)
    witnessing.tell(guard.found)
    return LogWatch(ledger, guard, witnessing, policy, witnesses)


def clients(policy: Policy) -> Iterator[WitnessClient]:
    """A client for each address in the policy; two keys of one witness stand on two lines."""
    with_address = sorted((w for w in policy.witnesses if w.url), key=_address)
    for url, same in groupby(with_address, key=_address):
        found = list(same)
        name = "+".join(witness.name for witness in found)
        yield WitnessClient(name, url, [witness.verifier for witness in found])


def _address(witness: Witness) -> str:
    return witness.url or ""

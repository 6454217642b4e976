"""How the log stands, as an auditor asks: verified how far and when, by whom else, what waits."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from audit.health import Fault, Standing, standings
from audit.proofs import LogState, log_state
from service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class State:
    """The newest log, and what is known of all of them."""

    log: LogState
    origin: str | None
    logs: tuple[Standing, ...]
    """What the checker knows of each log, oldest first."""

    @property
    def newest(self) -> Standing | None:
        """The checker's standing of the newest log."""
        return self.logs[-1] if self.logs else None

    @property
    def broken(self) -> tuple[str, Fault] | None:
        """The first bad entry of the oldest log that has one."""
        found = ((each.log, each.fault) for each in self.logs if each.fault is not None)
        return next(found, None)

    @property
    def verified_at(self) -> datetime | None:
        return None if self.newest is None else self.newest.verified_at


def state_of(connection: Connection, runtime: Runtime) -> State:
    """How the log stands now; nothing is read again for it."""
    log = log_state(connection)
    origin = None if log.log is None else runtime.log_signers.origin(log.log)
    return State(log, origin, tuple(standings(connection)))


def state_json(state: State, now: datetime) -> dict[str, Any]:
    """The state for programs; times in UTC."""
    log = state.log
    return {
        "log": log.log,
        "origin": state.origin,
        "size": log.size,
        "root": None if log.root is None else base64.b64encode(log.root).decode("ascii"),
        "signed_at": _time(log.checkpoint_at),
        "queued": log.queued,
        "oldest_queued_at": _time(log.oldest_queued_at),
        "waiting_seconds": log.waiting_seconds(now),
        "intact": state.broken is None,
        "logs": [_standing_json(each) for each in state.logs],
    }


def _standing_json(standing: Standing) -> dict[str, Any]:
    fault = standing.fault
    return {
        "log": standing.log,
        "verified": standing.verified,
        "verified_at": _time(standing.verified_at),
        "read_again": standing.again,
        "last_round_at": _time(standing.passed_at),
        "fault": None
        if fault is None
        else {"damage": fault.damage.value, "index": fault.index, "number": fault.number},
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")

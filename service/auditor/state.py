"""How the log stands, as an auditor asks: verified how far and when, by whom else, what waits."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from audit.health import Fault, Standing, standings
from audit.proofs import LogState, log_state
from audit.timestamping import Stamped, last_timestamp
from audit.witnessing import CosignedState
from service.completeness import LastCheck, last_check
from service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class State:
    """The newest log, and what is known of all of them."""

    log: LogState
    origin: str | None
    logs: tuple[Standing, ...]
    """What the checker knows of each log, oldest first."""
    refusal: str | None
    """Why nothing is signed, None when all is well."""
    cosigned: CosignedState | None
    """How the newest log stands with its witnesses; None when none are configured."""
    cosigned_problem: str | None
    stamped: Stamped | None
    """The last time stamp of an authority outside."""
    stamp_late: bool
    """Whether one of the authorities that are configured should have stamped by now."""
    complete: LastCheck | None
    """The last check for effects without event, and events without leaf."""

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
    cosigned = runtime.log_watch.cosigned(connection)
    return State(
        log=log,
        origin=origin,
        logs=tuple(standings(connection)),
        refusal=runtime.log_watch.refusal(connection),
        cosigned=cosigned,
        cosigned_problem=None if cosigned is None else cosigned.problem(runtime.now()),
        stamped=last_timestamp(connection),
        stamp_late=runtime.timestamp_job.problem(connection, runtime.now()) is not None,
        complete=last_check(connection, runtime.ledger),
    )


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
        "refused": state.refusal is not None,
        "witnesses": _witnesses_json(state),
        "time_stamp": None
        if state.stamped is None
        else {
            "log": state.stamped.log,
            "size": state.stamped.size,
            "authority": state.stamped.tsa,
            "at": _time(state.stamped.at),
        },
        "time_stamp_late": state.stamp_late,
        "completeness": None
        if state.complete is None
        else {"result": state.complete.result.value, "at": _time(state.complete.at)},
        "logs": [_standing_json(each) for each in state.logs],
    }


def _witnesses_json(state: State) -> dict[str, Any] | None:
    """None when no witnesses are configured."""
    cosigned = state.cosigned
    if cosigned is None:
        return None
    return {
        "cosigned_size": cosigned.cosigned,
        "cosigned_at": _time(cosigned.newest),
        "problem": state.cosigned_problem,
        "witnesses": {name: _time(at) for name, at in cosigned.witnesses.items()},
        "missing": list(cosigned.missing),
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

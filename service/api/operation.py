"""What an operator's tools watch: alive, ready, and numbers in Prometheus' text format.

Numbers carry no id: an endpoint's name and an outcome, both words of ours.
"""

from collections.abc import Iterable
from datetime import datetime

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from audit.partitions import alarms
from audit.proofs import LogState, log_state
from consent.deciding import decision_point
from service.completeness import LastCheck, last_check
from service.counters import Counters
from service.runtime import Runtime

router = APIRouter()

KEEPS_UP_SECONDS = 10.0
"""An event that waits longer for its place in the tree means that the sequencer stands."""
Gauge = tuple[str, str, float]
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", responses={503: {"description": "Not ready: the answer names what is not"}})
def readyz(request: Request) -> Response:
    """Database, sequencer and log keep up."""
    runtime: Runtime = request.app.state.runtime
    checks = {"database": False, "sequencer": runtime.sequenced, "log": False}
    try:
        with runtime.ledger.read() as connection:
            state = log_state(connection)
        checks["database"] = True
        checks["log"] = state.waiting_seconds(runtime.now()) <= KEEPS_UP_SECONDS
    except SQLAlchemyError:
        # The answer says it; nothing more is needed, and the error's text may quote parameters.
        checks["database"] = False
    ready = all(checks.values())
    return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    runtime: Runtime = request.app.state.runtime
    counters: Counters = request.app.state.server.counters
    now = runtime.now()
    with runtime.ledger.read() as connection:
        state = log_state(connection)
        checked = last_check(connection, runtime.ledger)
        room = alarms(connection, now)
        watched = [*_watched(runtime, connection, now), *_stamped(runtime, connection, now)]
    lines = [
        *_requests(counters),
        *_decisions(runtime),
        *_gauges(_log(state, state.waiting_seconds(now))),
        *_gauges([("partition_alarms", "Tables of the log that run out of room.", len(room))]),
        *_gauges(_completeness(checked, now)),
        *_gauges(watched),
    ]
    return Response("\n".join([*lines, ""]), media_type=_METRICS)


def _requests(counters: Counters) -> Iterable[str]:
    yield "# HELP consent_vault_requests_total Requests of programs by endpoint and outcome."
    yield "# TYPE consent_vault_requests_total counter"
    for endpoint, outcome, number in counters:
        labels = f'endpoint="{endpoint}",outcome="{outcome}"'
        yield f"consent_vault_requests_total{{{labels}}} {number}"


def _decisions(runtime: Runtime) -> Iterable[str]:
    """Each is a denial that nobody meant: the alarm of the policies."""
    faults = decision_point(runtime.ledger).faults
    yield "# HELP consent_vault_decision_faults_total Decisions that failed, and were denials."
    yield "# TYPE consent_vault_decision_faults_total counter"
    yield f"consent_vault_decision_faults_total {faults}"


def _log(state: LogState, waiting: float) -> Iterable[Gauge]:
    yield "size", "Events with a place in the signed tree.", state.size
    yield "queued", "Events that wait for a place.", state.queued
    yield "waiting_seconds", "How long the oldest of them has waited.", waiting


def _completeness(checked: LastCheck | None, now: datetime) -> Iterable[Gauge]:
    """Nothing before the first check: a number that nobody measured would calm for no reason."""
    if checked is not None:
        good = int(checked.is_good(now))
        age = (now - checked.at).total_seconds()
        yield "complete", "1 when the last check is recent and found nothing missing.", good
        yield "check_age_seconds", "How long ago the last check was.", age


def _watched(runtime: Runtime, connection: Connection, now: datetime) -> Iterable[Gauge]:
    refused = runtime.log_watch.refusal(connection) is not None
    yield "refused", "1 when nothing is signed: a backup may have been restored.", int(refused)
    cosigned = runtime.log_watch.cosigned(connection)
    if cosigned is not None and cosigned.log is not None:
        good = int(cosigned.problem(now) is None)
        yield "witnessed", "1 when as many witnesses as needed have signed lately.", good
        yield (
            "witnesses",
            "Witnesses under the newest checkpoint with enough of them.",
            len(cosigned.witnesses),
        )


def _stamped(runtime: Runtime, connection: Connection, now: datetime) -> Iterable[Gauge]:
    job = runtime.timestamp_job
    if job.asks:
        late = int(job.problem(connection, now) is not None)
        yield "timestamps_late", "1 when a time stamp from outside is late.", late


def _gauges(gauges: Iterable[Gauge]) -> Iterable[str]:
    for name, help_text, value in gauges:
        yield f"# HELP consent_vault_log_{name} {help_text}"
        yield f"# TYPE consent_vault_log_{name} gauge"
        yield f"consent_vault_log_{name} {value}"

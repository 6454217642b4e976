"""The operator's page: does it run, and does the log keep up."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit.partitions import alarms
from audit.proofs import log_state
from audit.timestamping import last_timestamp
from service.completeness import last_check
from service.pages import render, runtime_of

router = APIRouter(include_in_schema=False)

KEEPS_UP_SECONDS = 10.0
"""An event that waits longer for its place means that the sequencer stands."""


@router.get("/{language:lang}/operator")
def health(request: Request) -> Response:
    """How the service stands, in a few lines."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        state = log_state(connection)
        checked = last_check(connection, runtime.ledger)
        room = alarms(connection, runtime.now())
        refused = runtime.log_watch.refusal(connection) is not None
        cosigned = runtime.log_watch.cosigned(connection)
        stamped = last_timestamp(connection)
        stamp_late = runtime.timestamp_job.problem(connection, runtime.now())
    return render(
        request,
        "operator/health.html",
        state=state,
        database=runtime.ledger.engine.dialect.name,
        keeps_up=state.waiting_seconds(runtime.now()) <= KEEPS_UP_SECONDS,
        checked=checked,
        complete=checked is None or checked.is_good(runtime.now()),
        room=room,
        refused=refused,
        cosigned=cosigned,
        witnessed=cosigned is not None and cosigned.problem(runtime.now()) is None,
        asks_for_stamps=runtime.timestamp_job.asks,
        stamped=stamped,
        stamp_late=stamp_late is not None,
        signs_in=runtime.identity_provider is not None,
        catalogue_digest=runtime.catalogue.digest,
    )

"""Work that time brings: consents reach their end and unanswered requests lapse.

Fetches look at the clock themselves, so nothing that matters waits for this; it writes down what
is true already, and may safely run twice.
"""

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from audit.model import SYSTEM
from audit.unit_of_work import Ledger, begin
from consent.choices import expire_due

INTERVAL_SECONDS = 30.0
BATCH = 100

_log = structlog.get_logger(__name__)


class ExpiryJob:
    """Writes down ends that have come, in a thread of this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def run_once(self, now: datetime) -> int:
        """End what is due by now and give how many that were."""
        ended = BATCH
        total = 0
        while ended == BATCH:
            with begin(self._ledger, actor=SYSTEM, now=now) as uow:
                ended = expire_due(uow, limit=BATCH)
            total += ended
        return total

    def start(self, clock: Callable[[], datetime]) -> None:
        """Run until `stop`."""
        if self._thread is not None:
            raise RuntimeError("the job runs already")
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(clock,), name="expiry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the batch in hand end, then stop."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self, clock: Callable[[], datetime]) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            try:
                self.run_once(clock())
            except (SQLAlchemyError, OSError, RuntimeError) as error:
                # Only the class: the text of a database error may quote parameters.
                _log.error("expiry-failed", error=type(error).__name__)

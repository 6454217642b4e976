"""`consent-vault sequence`: the sequencer as a process of its own."""

import signal
from dataclasses import asdict
from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

_STOPPING = {signal.SIGTERM, signal.SIGINT}
_LOOK_SECONDS = 1.0


@click.command()
@data_option
def sequence(data: Path | None) -> None:
    """Give waiting events their places in the log, and sign it, until stopped.

    Start it on as many machines as you like: one works, the others stand by, and one of them
    takes over within a second when it ends. For PostgreSQL; on SQLite the service does it.
    """
    import structlog

    from service.cli.starting import check_start
    from service.memory import guard_memory

    check_start()
    log = structlog.get_logger(__name__)
    with runtime_of(data) as runtime:
        if runtime.ledger.engine.dialect.name == "sqlite":
            raise Failure(
                "There is nothing to do here.",
                why="an SQLite database has one process, and that places its events itself",
                repair="consent-vault serve",
            )
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # for the threads to come as well
        log.info("sequencing", log=runtime.settings.log_origin)
        log.info("memory", **asdict(guard_memory()))
        runtime.start_sequencing()
        while runtime.sequencer.running:
            if signal.sigtimedwait(_STOPPING, _LOOK_SECONDS) is not None:
                break
        else:
            raise Failure(
                "The sequencer ended by itself.",
                why="an error that it does not know; the log above names it",
                repair="report it, and start the command again: nothing is lost",
            )
        runtime.stop_sequencing()  # after the batch in hand
        log.info("stopped")

"""Operational logs: one JSON line each, ids and codes only; no address with a query, no value.

The audit log says what happened to whose data; this one says how the program fares. An unexpected
error is written as its class and the lines it passed, never its text: the text of a database
error quotes parameters, and others quote what they could not read.
"""

import logging
import sys
import threading
import traceback

import structlog

_PLACES = 8


def set_up_logs() -> None:
    """JSON lines on standard error, for our own messages and those of libraries."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_error_text,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    """What Python would print is the error's text, beside the log and in no form."""
    name = None if ended.thread is None else ended.thread.name
    structlog.get_logger(__name__).error(
        "thread-ended", thread=name, exc_info=ended.exc_value or ended.exc_type()
    )


def places_of(error: BaseException) -> list[str]:
    """The last lines that an error passed, innermost last: file, line and function."""
    frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _without_error_text(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    raised = event.pop("exc_info", None)
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["places"] = places_of(error)
        # asyncio goes on to show the task that failed, and with it the error's text.
        event["event"] = str(event.get("event", "")).partition("\n")[0]
    event.pop("exception", None)
    return event

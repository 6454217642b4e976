"""Operational logs: JSON lines, and never the text of an error."""

import asyncio
import gc
import json
import logging
import threading
from collections.abc import Iterator

import pytest
import structlog

from service.logs import places_of, set_up_logs
from tests.own_loop import run_alone


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers, root.level, threading.excepthook
    yield
    threading.excepthook = hook
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_our_messages_and_those_of_libraries_are_json_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs()
    structlog.get_logger("ours").info("started", port=8460)
    logging.getLogger("theirs").warning("careful")
    ours, theirs = lines(capsys.readouterr().err)
    assert (ours["event"], ours["port"], ours["level"]) == ("started", 8460, "info")
    assert (theirs["event"], theirs["level"]) == ("careful", "warning")


def test_an_error_is_its_class_and_the_lines_it_passed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs()
    try:
        int("CANARY")
    except ValueError as error:
        logging.getLogger("theirs").exception("failed")
        structlog.get_logger("ours").error("failed", exc_info=error)
    written = capsys.readouterr().err
    assert "CANARY" not in written
    for line in lines(written):
        assert line["error"] == "ValueError"
        assert "test_logs.py" in str(line["places"])


def test_a_thread_that_fails_leaves_a_line_and_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs()
    failing = threading.Thread(target=int, args=("CANARY",), name="sequencer")
    failing.start()
    failing.join()
    written = capsys.readouterr().err
    assert "CANARY" not in written
    (line,) = lines(written)
    assert (line["event"], line["thread"], line["error"]) == (
        "thread-ended",
        "sequencer",
        "ValueError",
    )


def test_a_task_that_fails_unseen_leaves_a_line_and_no_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs()

    async def fail() -> None:
        int("CANARY")

    async def forget_a_task() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    run_alone(forget_a_task())
    written = capsys.readouterr().err
    assert "CANARY" not in written
    assert [line["error"] for line in lines(written)] == ["ValueError"]


def test_an_error_that_was_never_raised_passed_no_line() -> None:
    assert places_of(ValueError("x")) == []

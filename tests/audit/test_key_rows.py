"""Rows of the log's keys: all of them are written, or the events that need them are not."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine

from audit.not_written import EventNotWrittenError
from audit.store.keys import KeyRow, insert_keys


def test_a_key_that_the_database_refuses_stops_the_events_that_need_it(engine: Engine) -> None:
    row = KeyRow(uuid4(), "person:one", "2026", b"wrapped")
    with engine.connect() as connection, pytest.raises(EventNotWrittenError):
        insert_keys(connection, [row, row])

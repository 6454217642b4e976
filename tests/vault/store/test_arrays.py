"""Arrays as text: PostgreSQL reads out of them what was put in, whatever it is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, Boolean, Date, Engine, Integer, LargeBinary, Text, Uuid, cast, select
from sqlalchemy import literal as value_of
from sqlalchemy.types import TypeEngine

from audit.database import Instant
from policies.vocabulary import AuthorityRank, Label
from vault.store.arrays import literal

MOMENT = datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC)


def read(engine: Engine, written: str, kind: TypeEngine[Any]) -> list[Any]:
    with engine.connect() as connection:
        query = select(cast(value_of(written, Text()), ARRAY(kind)))
        found: list[Any] = connection.execute(query).scalar_one()
    return found


@pytest.fixture
def postgresql(empty_engine: Engine) -> Engine:
    if empty_engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no arrays")
    return empty_engine


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], Integer()),
        ([1, -7, 0, None], Integer()),
        ([True, False, None], Boolean()),
        ([UUID(int=7), None], Uuid()),
        ([b"", b"\x00\xff\\\"'", None], LargeBinary()),
        ([MOMENT, MOMENT.replace(microsecond=0), None], Instant()),
        ([date(2026, 11, 24), None], Date()),
        (["", "NULL", "null", "{a,b}", 'a"b', "a\\b", "a'b", " ", "ä\n", None], Text()),
        ([AuthorityRank.INFERRED, AuthorityRank.AUTHORITATIVE_REGISTER], Integer()),
        ([Label.PROTECTED], Text()),
    ],
)
def test_what_is_written_is_read_again(
    postgresql: Engine, values: list[Any], kind: TypeEngine[Any]
) -> None:
    assert read(postgresql, literal(values), kind) == values


def test_a_moment_is_the_same_in_whatever_zone_it_is_said(postgresql: Engine) -> None:
    found = read(postgresql, literal([MOMENT]), Instant())
    assert found[0] - MOMENT == timedelta(0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"))))
def test_every_text_is_read_again(postgresql: Engine, values: list[str]) -> None:
    assert read(postgresql, literal(values), Text()) == values


def test_a_text_cannot_leave_its_marks() -> None:
    assert literal(['","x']) == '{"\\",\\"x"}'

"""Tables of the log from before the partitions: none of their rows is moved, no right is lost."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from audit.partitions import alarms
from service.migrations.guards import weak
from service.migrations.upgrade import _config, upgrade
from tests.audit.sample import NOW

ROLE = "writes_the_log"
EVENT = (
    "INSERT INTO audit_event (event_id, at, commitment, digests, sealed)"
    " VALUES (gen_random_uuid(), now(), '', '', '') RETURNING number"
)
LEAF = (
    'INSERT INTO audit_leaf (log, "index", number, leaf_hash)'
    " SELECT '2026h2', number - 1, number, '' FROM audit_event"
)


@pytest.fixture
def before(empty_engine: Engine) -> Iterator[Engine]:
    """PostgreSQL at the revision before, with three events and a role that may write."""
    if empty_engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no partitions")
    with empty_engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        for _ in range(3):
            connection.execute(text(EVENT))
        connection.execute(text(LEAF))
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        connection.execute(text(f"CREATE ROLE {ROLE}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}"))
        connection.execute(text(f"GRANT SELECT, INSERT ON audit_event, audit_leaf TO {ROLE}"))
        connection.execute(text(f"GRANT USAGE ON SEQUENCE audit_event_number_seq TO {ROLE}"))
    yield empty_engine
    with empty_engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {ROLE}"))
        connection.execute(text(f"DROP ROLE {ROLE}"))


def test_what_stood_is_the_first_partition_and_numbers_go_on(before: Engine) -> None:
    upgrade(before)
    with before.begin() as connection:
        for table in ("audit_event", "audit_leaf"):
            counted = f"SELECT count(*) FROM {table}_first"
            assert connection.execute(text(counted)).scalar_one() == 3
        assert connection.execute(text(EVENT)).scalar_one() == 4
        assert connection.execute(text("SELECT count(*) FROM audit_event")).scalar_one() == 4
        assert alarms(connection, NOW) == []
        assert weak(connection) == []


def test_a_role_may_still_write_and_still_not_change(before: Engine) -> None:
    upgrade(before)
    with before.begin() as connection:
        connection.execute(text(f"SET LOCAL ROLE {ROLE}"))
        assert connection.execute(text(EVENT)).scalar_one() == 4
    for change in ("DELETE FROM audit_event", "UPDATE audit_leaf SET number = 9"):
        with before.connect() as connection:
            connection.execute(text(f"SET ROLE {ROLE}"))
            with pytest.raises(DBAPIError, match="permission denied"):
                connection.execute(text(change))


def test_old_rows_are_found_by_their_indexes_as_before(before: Engine) -> None:
    upgrade(before)
    indexes = inspect(before).get_unique_constraints("audit_event_first")
    assert [each["column_names"] for each in indexes] == [["event_id"]]
    indexes = inspect(before).get_unique_constraints("audit_leaf_first")
    assert [each["column_names"] for each in indexes] == [["number"]]

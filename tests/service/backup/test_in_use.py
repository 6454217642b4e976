"""Nothing is restored on PostgreSQL while anybody works there, whatever way they came."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from audit.database import open_engine
from audit.leadership import Leadership
from service.backup.errors import BackupError
from service.backup.in_use import nobody_else
from service.jobs import Lead
from tests.pooler import pooler
from tests.postgres import schema_of_its_own


@pytest.fixture
def url(postgresql_url: str) -> Iterator[str]:
    with schema_of_its_own(postgresql_url) as found:
        yield found


@contextmanager
def opened(url: str, *, pooled: bool = False) -> Iterator[Engine]:
    engine = open_engine(url, pooled=pooled)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with opened(url) as made:
        yield made


def is_alone(engine: Engine, *, pooled: bool = False) -> bool:
    try:
        with nobody_else(engine, pooled=pooled):
            return True
    except BackupError:
        return False


def may_lead(lead: Leadership | Lead) -> bool:
    try:
        return lead.taken()
    finally:
        lead.give_up()


def test_who_is_found_must_be_stopped(engine: Engine, url: str) -> None:
    with (
        opened(url) as other,
        other.connect(),
        pytest.raises(BackupError) as refused,
        nobody_else(engine, pooled=False),
    ):
        raise AssertionError("it went on")
    assert "stop the service" in refused.value.repair


def test_with_nobody_there_it_goes_on_and_lets_go_at_its_end(engine: Engine) -> None:
    assert is_alone(engine)
    assert is_alone(engine)
    assert may_lead(Lead(engine))


def test_an_idle_session_of_ours_is_found(engine: Engine, url: str) -> None:
    with opened(url) as other, other.connect() as connection:
        connection.execute(text("SELECT 1"))
        connection.rollback()
        assert not is_alone(engine)
    assert is_alone(engine)


def test_sessions_of_others_are_none_of_ours(engine: Engine, url: str) -> None:
    psql = create_engine(url)
    with psql.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert is_alone(engine)
    psql.dispose()


def test_another_installation_in_the_same_database_is_none_of_ours(
    engine: Engine, postgresql_url: str
) -> None:
    with schema_of_its_own(postgresql_url) as elsewhere, opened(elsewhere) as other:
        lead = Leadership(other)
        assert lead.taken()
        assert is_alone(engine)
        lead.give_up()


@pytest.mark.parametrize("of", [Leadership, Lead])
def test_who_leads_is_found_behind_a_pooler_too(
    url: str, tmp_path: Path, of: type[Leadership] | type[Lead]
) -> None:
    with (
        opened(url) as engine,
        pooler(engine.url.set(password="any"), tmp_path) as behind,
        opened(behind.render_as_string(hide_password=False), pooled=True) as served,
    ):
        lead = of(served)
        assert lead.taken()
        assert not is_alone(engine)
        assert not is_alone(engine, pooled=True)
        lead.give_up()
        assert is_alone(engine)


def test_a_session_that_a_pooler_keeps_is_nobody(url: str, tmp_path: Path) -> None:
    with opened(url) as engine, pooler(engine.url.set(password="any"), tmp_path) as behind:
        address = behind.render_as_string(hide_password=False)
        with opened(address, pooled=True) as served, served.connect() as connection:
            connection.execute(text("SELECT 1"))
        assert is_alone(engine)


def test_nobody_takes_up_the_work_meanwhile(engine: Engine, url: str) -> None:
    with opened(url) as other:
        with nobody_else(engine, pooled=False):
            assert not may_lead(Leadership(other))
            assert not may_lead(Lead(other))
        assert may_lead(Lead(other))


def test_what_fails_meanwhile_lets_go_too(engine: Engine) -> None:
    with pytest.raises(OSError, match="full"), nobody_else(engine, pooled=False):
        raise OSError("the disk is full")
    assert is_alone(engine)

"""A migrated PostgreSQL database, and roles that own nothing to come to it with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, Engine, text

from audit.database import open_engine
from service.migrations.rights import Purpose, give_rights
from service.migrations.upgrade import upgrade
from tests.postgres import schema_of_its_own
from tests.service.office import Office, open_office


@contextmanager
def migrated(postgresql_url: str) -> Iterator[Engine]:
    """A database of its own, opened by its owner."""
    with schema_of_its_own(postgresql_url) as url:
        engine = open_engine(url)
        upgrade(engine)
        yield engine
        engine.dispose()


@contextmanager
def role_for(owner: Engine, purpose: Purpose | None) -> Iterator[URL]:
    """The database's URL for a new role with the rights for the purpose, or with none."""
    name = f"role_{uuid4().hex}"
    with owner.begin() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'role'"))
        if purpose is not None:
            give_rights(connection, name, purpose)
    yield owner.url.set(username=name, password="role")
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


@contextmanager
def opened_for(owner: Engine, purpose: Purpose | None) -> Iterator[Engine]:
    """The database as that role has it."""
    with role_for(owner, purpose) as url:
        engine = open_engine(url.render_as_string(hide_password=False))
        yield engine
        engine.dispose()


@contextmanager
def office_as_the_service(owner: Engine, folder: Path) -> Iterator[Office]:
    """An office that comes to the database with the rights of the service and no others."""
    with role_for(owner, Purpose.APPLICATION) as url:
        opened = open_office(url.render_as_string(hide_password=False), folder)
        yield opened
        opened.runtime.close()

"""`consent-vault doctor`: every check, in the order in which a fault would matter.

Every check is a function from the installation to a `Finding`; one that meets what it looks for
says so and lets the others go on.
"""

from collections.abc import Iterator

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from service.doctor.database import (
    check_clock,
    check_guards,
    check_keys_and_database,
    check_migrations,
    check_room,
)
from service.doctor.finding import Finding
from service.doctor.keys import check_key_provider, check_keys
from service.doctor.log import check_journal, check_log, check_outside, check_timestamps
from service.doctor.place import check_port, check_sign_in
from service.doctor.program import check_catalogue, check_packages, check_python
from service.doctor.seals import check_seals
from service.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in the order in which a fault would matter."""
    yield from (check_python(), check_packages(), check_catalogue())
    keys = [check_keys(settings.data_folder, settings.key_provider)]
    if keys[0].ok:
        keys.append(check_key_provider(settings))
    yield from keys
    engine = open_engine(settings.database_url, pooled=settings.pooled)
    try:
        yield from _examine_database(engine, settings, with_keys=all(each.ok for each in keys))
    finally:
        engine.dispose()
    yield check_sign_in(settings)
    yield check_port(settings.base_url)


def _examine_database(engine: Engine, settings: Settings, *, with_keys: bool) -> Iterator[Finding]:
    """Nothing is asked of a database that does not answer, or of tables that are not there."""
    for check in (check_clock, check_migrations, check_guards, check_room):
        try:
            finding = check(engine)
        except SQLAlchemyError as error:
            repair = "check that it runs and that CONSENT_VAULT_DATABASE_URL is right"
            yield Finding("database", f"does not answer: {type(error).__name__}", repair)
            return
        yield finding
        if not finding.ok:
            return
    if with_keys:
        yield check_keys_and_database(engine, settings)
        yield check_log(engine, settings)
        yield check_seals(engine, settings)
        yield check_outside(engine, settings)
        yield check_journal(engine, settings)
        if settings.timestamp_authorities:
            yield check_timestamps(engine, settings)

"""After an erasure no sealed record and no wrapped key of the person is in the database's files."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from audit.model import Actor
from audit.scope import EVERYONE
from audit.traces import drop_traces
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.vault.given import GLUCOSE, INCOME, NOW, deposited, fact
from vault.erasure import Request, erase_dataset, erase_person
from vault.store.tables import identifier, person_key, record, version
from vault.vault import Vault


@pytest.fixture
def on_sqlite(engine: Engine) -> Engine:
    if engine.dialect.name != "sqlite":
        pytest.skip("the files of PostgreSQL are its own")
    return engine


def secrets_of(ledger: Ledger, person: PersonId, dataset: str | None) -> list[bytes]:
    """What is sealed about the person (in the data set), her keys and what leads to her."""
    sealed = (
        select(version.c.sealed)
        .join(record, record.c.record_id == version.c.record_id)
        .where(version.c.person_id == person)
    )
    if dataset is not None:
        sealed = sealed.where(record.c.dataset == dataset)
    queries = [sealed, select(person_key.c.wrapped).where(person_key.c.person_id == person)]
    if dataset is None:
        queries.append(select(identifier.c.digest).where(identifier.c.person_id == person))
    with ledger.read(EVERYONE) as connection:
        return [each for query in queries for each in connection.execute(query).scalars()]


def files(engine: Engine) -> bytes:
    path = Path(str(engine.url.database))
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize("dataset", [None, INCOME])
def test_nothing_of_it_is_in_the_files(
    on_sqlite: Engine, ledger: Ledger, vault: Vault, person: PersonId, dataset: str | None
) -> None:
    deposited(ledger, vault, person, fact())
    deposited(ledger, vault, person, fact(GLUCOSE, 64))
    secrets = secrets_of(ledger, person, dataset)
    assert len(secrets) == (4 if dataset is None else 2)
    assert all(each in files(on_sqlite) for each in secrets)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        if dataset is None:
            erase_person(uow, vault, person, Request.by_wish())
        else:
            erase_dataset(uow, vault, person, INCOME, Request.by_wish())
    on_sqlite.dispose()
    assert drop_traces(on_sqlite)
    left = files(on_sqlite)
    assert not any(each in left for each in secrets)

"""Whoever can write in the tables can destroy a value, and neither move nor rename it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from audit.model import SYSTEM, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.unguarded import unguard
from tests.vault.given import (
    EMPLOYER,
    GROSS,
    NOW,
    VILLE,
    deposited,
    fact,
    released,
)
from vault.envelope import (
    ChangedError,
    KeyVersionError,
    MisplacedError,
    SealError,
    TruncatedError,
    UnknownFormatError,
)
from vault.people import IDENTITY_SCHEME, enrol
from vault.store import tables
from vault.vault import Vault


def flip(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (flip, ChangedError),
        (lambda sealed: sealed[:40], TruncatedError),
        (lambda sealed: b"\x02" + sealed[1:], UnknownFormatError),
        (lambda sealed: sealed[:4] + b"\x09" + sealed[5:], KeyVersionError),
    ],
)
def test_damage_in_the_table_releases_nothing(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    damage: Callable[[bytes], bytes],
    error: type[SealError],
) -> None:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"))
    with ledger.engine.begin() as connection:
        unguard(connection, tables.version.name)
        row = connection.execute(select(tables.version)).first()
        assert row is not None
        connection.execute(
            update(tables.version)
            .where(tables.version.c.record_id == row.record_id)
            .values(sealed=damage(row.sealed))
        )
    with pytest.raises(error):
        released(ledger, vault, person, GROSS, EMPLOYER)
    with ledger.read() as connection:
        assert entries_about(connection, ledger, person, kinds=[Kind.DATA_RELEASED]) == []


def test_two_values_exchanged_in_the_table_do_not_open(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"))
    table = tables.version
    with ledger.engine.begin() as connection:
        unguard(connection, tables.version.name)
        one, other = connection.execute(select(table)).all()
        for row, sealed in ((one, other.sealed), (other, one.sealed)):
            connection.execute(
                update(table).where(table.c.record_id == row.record_id).values(sealed=sealed)
            )
    with pytest.raises(MisplacedError):
        released(ledger, vault, person, GROSS)


def test_an_older_value_under_a_newer_version_does_not_open(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    deposited(ledger, vault, person, fact(value=2))
    table = tables.version
    with ledger.engine.begin() as connection:
        unguard(connection, tables.version.name)
        old = connection.execute(select(table.c.sealed).where(table.c.version == 1)).scalar_one()
        connection.execute(update(table).where(table.c.version == 2).values(sealed=old))
    with pytest.raises(MisplacedError):
        released(ledger, vault, person, GROSS)


@pytest.mark.parametrize("renamed", [{"attribute": EMPLOYER}, {"dataset": "studies"}])
def test_a_value_renamed_in_the_table_does_not_open(
    ledger: Ledger, vault: Vault, person: PersonId, renamed: dict[str, str]
) -> None:
    deposited(ledger, vault, person, fact())
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.record).values(renamed))
    with pytest.raises(MisplacedError):
        released(ledger, vault, person, GROSS, EMPLOYER)


def test_another_persons_key_opens_nothing(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    deposited(ledger, vault, person, fact())
    keys = tables.person_key
    with ledger.engine.begin() as connection:
        query = select(keys.c.wrapped).where(keys.c.person_id == other)
        wrapped = connection.execute(query).scalar_one()
        connection.execute(update(keys).where(keys.c.person_id == person).values(wrapped=wrapped))
    with pytest.raises(MisplacedError):
        released(ledger, vault, person, GROSS)

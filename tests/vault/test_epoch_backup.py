"""How erasure reaches backups: a copy of the database from before an epoch opens nowhere."""

import shutil
from pathlib import Path

import pytest

from audit.database import open_engine
from audit.model import SYSTEM
from audit.reader import entries_about
from audit.unit_of_work import begin
from policies.ids import PersonId
from tests.schema import create_tables
from tests.vault.given import GROSS, NOW, deposited, fact, viewed
from tests.vault.ring_house import House
from vault.erasure import Request, erase_person
from vault.keys import UnknownKeyError
from vault.providers.file import FileKeyProvider, KeyFolder

SALARY = 987_654


@pytest.fixture
def house(tmp_path: Path) -> House:
    folder = KeyFolder.open_or_create(tmp_path / "keys")
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    create_tables(engine)
    return House(engine, FileKeyProvider.open_or_create(folder.path))


@pytest.fixture
def erased(house: House) -> PersonId:
    """Somebody who is in the backup, and erased after it was made."""
    who = house.enrol("erased")
    deposited(house.ledger, house.vault, who, fact(GROSS, SALARY))
    with house.engine.connect() as connection:
        copy = Path(str(house.engine.url.database)).with_name("backup.db")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(str(house.engine.url.database), copy)
    with begin(house.ledger, actor=SYSTEM, now=NOW, about=who) as uow:
        erase_person(uow, house.vault, who, Request.by_order("A-1"))
    return who


def restored(house: House, tmp_path: Path) -> House:
    """The backup, with the keys as they are today."""
    engine = open_engine(f"sqlite:///{tmp_path / 'backup.db'}")
    return House(engine, FileKeyProvider.open_or_create(tmp_path / "keys"))


def rotated(house: House) -> None:
    house.begin()
    house.rewrap()
    assert house.finish() == ["file:1"]


def test_before_the_epoch_a_backup_still_opens(
    house: House, erased: PersonId, tmp_path: Path
) -> None:
    backup = restored(house, tmp_path)
    facts = viewed(backup.ledger, backup.vault, erased, GROSS).facts
    assert [each.value for each in facts] == [SALARY]
    backup.engine.dispose()


def test_after_the_epoch_nothing_in_it_opens_with_any_key_that_there_is(
    house: House, erased: PersonId, tmp_path: Path
) -> None:
    rotated(house)
    backup = restored(house, tmp_path)
    with pytest.raises(UnknownKeyError, match="file:1"):
        viewed(backup.ledger, backup.vault, erased, GROSS)
    with backup.ledger.read(erased) as connection, pytest.raises(UnknownKeyError):
        entries_about(connection, backup.ledger, erased)
    backup.engine.dispose()


def test_the_destroyed_key_lies_in_no_file_of_the_folder(
    house: House, erased: PersonId, tmp_path: Path
) -> None:
    secret = (tmp_path / "keys" / "kek-00000001.secret").read_bytes()
    rotated(house)
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["kek-00000002.secret"]
    assert all(secret not in path.read_bytes() for path in (tmp_path / "keys").iterdir())
    assert erased is not None

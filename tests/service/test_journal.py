"""The journal as the service keeps it: no withdrawal waits for it, and the doctor looks at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from audit.outside_journal import OutsideJournal
from consent.model import Status
from consent.reading import consent
from policies.ids import ConsentId
from service.doctor.log import check_journal
from service.journal import NAME, JournalJob
from service.settings import SettingsError, load_settings
from tests.service.house import House, form_of


@pytest.fixture
def given(house: House) -> ConsentId:
    """A consent in force."""
    person = house.person()
    house.deposit(person)
    consent_id = house.request(person, "debt-advice")
    browser = house.signed_in()
    address = f"/en/requests/{consent_id}"
    fields = form_of(browser.get(address).text, address)
    answer = browser.post(address, data=fields | {"decision": "give"})
    assert answer.status_code == 303
    return consent_id


@pytest.fixture
def broken(house: House) -> Iterator[OutsideJournal]:
    """A journal that cannot be written, until its folder comes back."""
    journal = house.runtime.ledger.journal
    assert journal is not None
    journal.path.unlink(missing_ok=True)
    journal.path.mkdir()
    yield journal
    if journal.path.is_dir():
        journal.path.rmdir()


def withdraw(house: House, consent_id: ConsentId) -> int:
    browser = house.signed_in()
    address = f"/en/consents/{consent_id}/withdraw"
    fields = form_of(browser.get("/en/consents").text, address)
    return browser.post(address, data=fields).status_code


def status(house: House, consent_id: ConsentId) -> Status | None:
    with house.runtime.ledger.read() as connection:
        found = consent(connection, consent_id)
    return None if found is None else found.status


def test_it_lies_beside_the_keys_for_their_owner_only(house: House, given: ConsentId) -> None:
    withdraw(house, given)
    path = house.runtime.settings.data_folder / NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(given) in path.read_text()


def test_a_withdrawal_is_taken_while_the_journal_cannot_be_written(
    house: House, given: ConsentId, broken: OutsideJournal
) -> None:
    assert withdraw(house, given) == 303
    assert status(house, given) is Status.WITHDRAWN
    job = JournalJob(house.runtime.ledger)
    with capture_logs() as logs:
        assert job.run_once(house.clock()) == 0
    assert [each["event"] for each in logs] == ["journal-not-written"]
    broken.path.rmdir()
    assert job.run_once(house.clock()) == 1
    assert [each.id_at(0) for each in broken.read().entries] == [given]


def finding(house: House) -> tuple[bool, str]:
    found = check_journal(house.runtime.ledger.engine, house.runtime.settings)
    return found.ok, found.found


def test_the_doctor_finds_a_whole_journal(house: House, given: ConsentId) -> None:
    assert finding(house) == (True, "0 entries, all whole")
    withdraw(house, given)
    assert finding(house) == (True, "1 entries, all whole")


def test_the_doctor_tells_of_a_journal_that_cannot_be_read(
    house: House, broken: OutsideJournal
) -> None:
    ok, told = finding(house)
    assert not ok
    assert "Is a directory" in told


def test_the_doctor_tells_of_what_waits(
    house: House, given: ConsentId, broken: OutsideJournal
) -> None:
    withdraw(house, given)
    broken.path.rmdir()
    ok, told = finding(house)
    assert not ok
    assert told.startswith("1 entries wait")


def test_the_doctor_tells_of_a_damaged_line(house: House, given: ConsentId) -> None:
    withdraw(house, given)
    path = house.runtime.settings.data_folder / NAME
    path.write_bytes(path.read_bytes().replace(b"withdrawn", b"withdrown"))
    ok, told = finding(house)
    assert not ok
    assert told.endswith("line 1: no-line; 1 faults")


def test_its_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CONSENT_VAULT_JOURNAL: its folder is not there"):
        load_settings(
            {},
            base_url="https://vault.example.fi",
            database_url="sqlite:///vault.db",
            data_folder=tmp_path,
            journal=tmp_path / "nowhere" / "journal",
        )

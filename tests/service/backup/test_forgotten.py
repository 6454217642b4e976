"""Yesterday's backup of somebody who is forgotten in the log: sealed whole, and dead with its key.

The other half of tests/vault/test_log_in_dumps.py, with a backup as `consent-vault backup` makes
it: what the index of the log says in clear in the database is sealed here too.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.erasure import forget
from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from policies.ids import OrganisationId, PersonId, PurposeId, new_uuid
from service.backup.errors import BackupError
from service.backup.making import check_backup, snapshots_of
from service.key_state import ring_of
from service.migrations.upgrade import upgrade
from tests.service.backup.test_backup import back_up, bring_back, programs
from tests.service.office import Office, open_office
from vault.key_ring import DELAY

PLANTED = ("planted-organisation", "planted-purpose", "planted-case")


@pytest.fixture
def office(empty_engine: Engine, tmp_path: Path) -> Iterator[Office]:
    upgrade(empty_engine)
    opened = open_office(empty_engine.url.render_as_string(hide_password=False), tmp_path)
    yield opened
    opened.runtime.close()


@pytest.fixture
def person(office: Office) -> PersonId:
    """Somebody with an entry in the log whose values stand nowhere else."""
    made = PersonId(new_uuid())
    organisation, purpose, case = PLANTED
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=made,
                organisation=OrganisationId(organisation),
                purpose=PurposeId(purpose),
                case=case,
            )
        )
    return made


def test_nothing_of_her_can_be_recovered_from_yesterdays_backup(
    office: Office, person: PersonId, tmp_path: Path
) -> None:
    file = tmp_path / "yesterday.backup"
    back_up(office, file)
    content = file.read_bytes()
    secrets = [person.bytes, person.hex.encode(), str(person).encode()]
    assert not any(each in content for each in [*secrets, *map(str.encode, PLANTED)])
    runtime = office.runtime
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        assert forget(uow, person, order="H/1")
    # It opens still: forgetting alone does not reach it.
    check_backup(runtime, file, snapshots_of(runtime, programs(office)))
    ring = ring_of(runtime)
    ring.begin(actor=SYSTEM, now=office.clock())
    for _ in ring.rewrap(actor=SYSTEM, clock=office.clock):
        pass
    office.clock.advance(seconds=DELAY.total_seconds())
    ring.finish(actor=SYSTEM, now=office.clock())
    with pytest.raises(BackupError):
        bring_back(office, file)

"""A database that is older than its journal: whatever was taken away since is taken away again."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from audit.erasure import forget
from audit.journal_line import Told, role_revoked
from audit.model import SYSTEM, Kind
from audit.replaying import Replayed
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from policies.ids import PersonId
from policies.vocabulary import Role
from service.behind import catch_up, counted, journal_of, words_of
from service.merging import approve, propose
from service.roles import grant_role, revoke_role, roles_of
from tests.database_backup import DatabaseBackup
from tests.service.office import Office
from vault.names import who_now
from vault.people import IDENTITY_SCHEME, enrol

OTHER = "020299-901H"
OPERATORS = tuple(PersonId(UUID(int=number)) for number in (1, 2))


@pytest.fixture
def backup(each_office: Office, engine: Engine, tmp_path: Path) -> DatabaseBackup:
    """Of the office, whose connections are closed when it is brought back."""

    class OfOffice(DatabaseBackup):
        def restore(self) -> None:
            each_office.runtime.ledger.engine.dispose()
            super().restore()

    return OfOffice(engine, tmp_path)


def granted(office: Office, *, person: PersonId | None = None) -> None:
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        assert grant_role(uow, person or office.person, Role.OPERATOR)
    office.clock.advance(minutes=1)


def revoked(office: Office) -> None:
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        assert revoke_role(uow, office.person, Role.OPERATOR)
    office.clock.advance(minutes=1)


def roles(office: Office) -> frozenset[Role]:
    with office.runtime.ledger.read() as connection:
        return roles_of(connection, office.person)


def was_behind(office: Office) -> bool:
    before = len(office.events(Kind.JOURNAL_REPLAYED))
    catch_up(office.runtime)
    return len(office.events(Kind.JOURNAL_REPLAYED)) > before


def test_every_word_of_the_journal_is_known_here(office: Office) -> None:
    assert set(words_of(office.runtime)) == set(Told)


def test_what_was_done_again_is_counted_without_anything_left_out() -> None:
    done = counted(Replayed(done=tuple(Told), left=(), faults=()))
    assert sum(done.values()) == len(Told)
    assert (done["erased_again"], done["consents_ended_again"], done["disputes_again"]) == (3, 2, 2)
    assert done["client_keys_replaced_again"] == 1
    assert set(counted(Replayed(done=(), left=(), faults=())).values()) == {0}


def test_a_role_that_was_taken_back_is_taken_back_again(
    each_office: Office, backup: DatabaseBackup
) -> None:
    granted(each_office)
    backup.take()
    revoked(each_office)
    backup.restore()
    assert Role.OPERATOR in roles(each_office)
    with capture_logs() as logs:
        assert was_behind(each_office)
    assert logs[-1]["role_revoked_again"] == 1
    assert roles(each_office) == {Role.CITIZEN}
    (happened,) = each_office.events(Kind.ROLE_REVOKED)
    assert (happened.subject, happened.get("reason")) == (each_office.person, "operator")
    assert not was_behind(each_office)


def test_a_role_that_was_given_again_stays(each_office: Office) -> None:
    granted(each_office)
    revoked(each_office)
    granted(each_office)
    assert not was_behind(each_office)
    assert Role.OPERATOR in roles(each_office)


def test_who_was_forgotten_and_lost_a_role_then_is_not_behind_for_ever(
    each_office: Office, backup: DatabaseBackup
) -> None:
    granted(each_office)
    backup.take()
    with begin(each_office.runtime.ledger, actor=SYSTEM, now=each_office.clock()) as uow:
        assert forget(uow, each_office.person, order="H/1")
    each_office.clock.advance(minutes=1)
    revoked(each_office)
    backup.restore()
    assert was_behind(each_office)
    assert len(each_office.events(Kind.ROLE_REVOKED)) == 1
    each_office.clock.advance(minutes=1)
    assert not was_behind(each_office)


def test_a_role_that_nobody_has_here_is_nothing_to_do(office: Office) -> None:
    line = role_revoked(OPERATORS[0], Role.OPERATOR, at=office.clock())
    journal_of(office.runtime).append([line])
    assert not was_behind(office)


def test_a_role_is_taken_back_while_the_journal_cannot_be_written(office: Office) -> None:
    granted(office)
    path = journal_of(office.runtime).path
    path.unlink(missing_ok=True)
    path.mkdir()
    revoked(office)
    assert roles(office) == {Role.CITIZEN}


def test_who_was_joined_to_another_loses_sessions_and_roles_again(
    each_office: Office, backup: DatabaseBackup
) -> None:
    office, runtime = each_office, each_office.runtime
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        first = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=OTHER)
    granted(office)
    backup.take()
    revoked(office)
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        number = propose(uow, first=first, other=office.person, reference="2026/5").number
    for operator in OPERATORS:
        with begin(runtime.ledger, actor=SYSTEM, now=office.clock(), about=EVERYONE) as uow:
            approve(uow, runtime.vault, number, operator)
    backup.restore()
    assert was_behind(office)
    with runtime.ledger.read() as connection:
        assert who_now(connection, [office.person]) == {office.person: first}
    assert roles(office) == {Role.CITIZEN}
    assert not was_behind(office)

"""The key ring: a new key-encryption key (KEK), everything wrapped under it, the old one gone."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text

from audit.completeness import check
from audit.epochs import StillNeededError, close_epoch
from audit.model import SYSTEM, Kind
from audit.open_epoch import ClosedEpochError
from audit.own_effects import EFFECTS as OWN_EFFECTS
from audit.reader import entries_about, search
from audit.unit_of_work import Ledger, begin
from audit.wrapped_keys import LOG_KEYS
from policies.ids import PersonId
from tests.vault.given import GROSS, NOW, deposited, fact, viewed
from tests.vault.ring_house import LATER, House, changed, somebody, with_people
from vault.effects import EFFECTS
from vault.key_ring import (
    DELAY,
    NotBegunError,
    NothingToFinishError,
    Progress,
    TooEarlyError,
)
from vault.keys import OutsideKeysError, UnknownKeyError
from vault.providers.file import FileKeyProvider
from vault.store.tables import person_key

PEOPLE = 7


@pytest.fixture
def house(engine: Engine) -> House:
    return with_people(engine, PEOPLE)


def test_before_any_epoch_there_is_one_key_with_everything_under_it(house: House) -> None:
    (only,) = house.ring.generations()
    # A log key for each person, and one for the installation once something concerns nobody.
    assert (only.key_id, only.person_keys, only.log_keys) == ("file:1", PEOPLE, PEOPLE)
    assert only.wraps
    assert only.in_provider
    assert only.epoch.begun_at is None
    assert house.ring.progress() == Progress(PEOPLE * 2, PEOPLE * 2, unreadable=0)


def test_a_new_key_wraps_at_once_and_both_open(house: House) -> None:
    assert house.begin() == "file:2"
    person = house.enrol("new")
    deposited(house.ledger, house.vault, person, fact())
    old, new = house.ring.generations()
    assert (old.wraps, new.wraps) == (False, True)
    assert new.person_keys == 1
    assert old.person_keys == PEOPLE
    assert new.epoch.begun_at == NOW
    assert len(viewed(house.ledger, house.vault, person, GROSS).facts) == 1
    assert len(viewed(house.ledger, house.vault, somebody(house), GROSS).facts) == 1


def test_rewrapping_brings_everything_under_the_new_key_and_changes_no_data(house: House) -> None:
    query = text("SELECT person_id, record_id, sealed FROM vault_record_version ORDER BY 1, 2")
    with house.ledger.read() as connection:
        before = connection.execute(query).all()
    house.begin()
    told = house.rewrap(limit=3)
    keys = PEOPLE * 2 + 1
    assert [each.done for each in told][-1] == told[-1].total == keys
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert house.keys() == [("file:1", 0, 0), ("file:2", PEOPLE, PEOPLE + 1)]
    with house.ledger.read() as connection:
        assert connection.execute(query).all() == before
    assert len(viewed(house.ledger, house.vault, somebody(house), GROSS).facts) == 1


def test_each_batch_has_its_event(house: House) -> None:
    house.begin()
    told = house.rewrap(limit=3)
    assert house.kinds().count(Kind.KEYS_REWRAPPED) == len(told) == 6
    with house.ledger.read() as connection:
        found = search(connection, house.ledger, kind=Kind.KEYS_REWRAPPED)
    assert {each.get("reference") for each in found} == {"file:2"}
    assert {each.get("reason") for each in found} == {"person-keys", "log-keys"}


def test_remembered_log_keys_still_open_after_the_old_key_is_gone(house: House) -> None:
    person = somebody(house)
    with house.ledger.read() as connection:
        before = entries_about(connection, house.ledger, person)
    house.begin()
    house.rewrap()
    house.finish()
    fresh = Ledger(house.engine, house.provider)
    for ledger in (house.ledger, fresh):
        with ledger.read() as connection:
            assert entries_about(connection, ledger, person) == before
    assert all(each.fields for each in before)


def test_once_nothing_needs_the_old_key_it_is_destroyed_for_good(house: House) -> None:
    house.begin()
    house.rewrap()
    assert house.finish() == ["file:1"]
    assert house.provider.key_ids() == ("file:2",)
    gone, here = house.ring.generations()
    assert (gone.key_id, gone.in_provider, gone.keys) == ("file:1", False, 0)
    assert (gone.epoch.closed_at, gone.epoch.destroyed_at) == (LATER, LATER)
    assert (here.key_id, here.epoch.begun_at) == ("file:2", NOW)
    assert house.kinds()[:2] == [Kind.EPOCH_ENDED, Kind.EPOCH_CLOSED]
    assert len(viewed(house.ledger, house.vault, somebody(house), GROSS).facts) == 1


def test_a_copy_of_the_key_table_from_before_the_epoch_says_nothing(house: House) -> None:
    query = select(person_key.c.person_id, person_key.c.version, person_key.c.wrapped)
    with house.ledger.read() as connection:
        backup = connection.execute(query).all()
    house.begin()
    house.rewrap()
    house.finish()
    assert len(backup) == PEOPLE
    for row in backup:
        with (
            pytest.raises(UnknownKeyError, match="file:1"),
            house.vault.person_key(row.person_id, row.version, row.wrapped),
        ):
            pass


def test_the_old_key_stays_while_anything_needs_it(house: House) -> None:
    house.begin()
    with pytest.raises(StillNeededError) as found:
        house.finish()
    assert (found.value.key_id, found.value.keys) == ("file:1", PEOPLE * 2)
    assert house.provider.key_ids() == ("file:1", "file:2")
    assert Kind.EPOCH_CLOSED not in house.kinds()


def test_the_old_key_stays_for_the_delay(house: House) -> None:
    house.begin()
    house.rewrap()
    an_hour_later = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    said = r"^the older keys can be destroyed from 2026-11-24T10:00:00\+00:00 on$"
    with pytest.raises(TooEarlyError, match=said) as found:
        house.finish(an_hour_later - timedelta(seconds=1))
    assert found.value.ready_at == an_hour_later == LATER
    assert house.provider.key_ids() == ("file:1", "file:2")
    assert house.ring.finish(actor=SYSTEM, now=NOW, delay=timedelta(0)) == ["file:1"]


def test_there_is_nothing_to_finish_before_an_epoch_and_after_it(house: House) -> None:
    with pytest.raises(NothingToFinishError):
        house.finish()
    house.begin()
    house.rewrap()
    house.finish()
    with pytest.raises(NothingToFinishError):
        house.finish()


def test_an_epoch_under_way_is_gone_on_with_and_no_second_one_begun(house: House) -> None:
    assert [house.begin() for _ in range(3)] == ["file:2"] * 3
    assert house.kinds().count(Kind.EPOCH_BEGUN) == 1
    assert house.provider.key_ids() == ("file:1", "file:2")


def test_a_key_that_was_made_but_not_written_down_begins_its_epoch_now(house: House) -> None:
    """The machine stopped between the provider and the commit, or the operator brought the key."""
    house.provider.add_key()
    house.rewrap()
    with pytest.raises(NotBegunError):
        house.finish()
    assert house.begin() == "file:2"
    assert house.kinds()[0] is Kind.EPOCH_BEGUN
    assert house.finish() == ["file:1"]


def test_an_epoch_whose_key_stayed_by_a_crash_is_finished_by_the_next_try(house: House) -> None:
    house.begin()
    house.rewrap()
    kept = {1: house.provider._keys[1], 2: house.provider._keys[2]}
    house.ring._close(SYSTEM, LATER, DELAY)
    crashed = House(house.engine, FileKeyProvider(kept))
    assert Kind.EPOCH_ENDED not in crashed.kinds()
    assert crashed.finish() == ["file:1"]
    assert crashed.provider.key_ids() == ("file:2",)
    assert crashed.kinds().count(Kind.EPOCH_CLOSED) == 1


def test_an_epoch_whose_end_was_not_written_down_is_ended_by_the_next_try(house: House) -> None:
    house.begin()
    house.rewrap()
    house.ring._close(SYSTEM, LATER, DELAY)
    house.provider.destroy("file:1")
    assert house.finish() == ["file:1"]
    assert house.kinds()[0] is Kind.EPOCH_ENDED
    gaps = {each.gap for each in check(house.ledger, [OWN_EFFECTS, EFFECTS], now=NOW).findings}
    assert gaps == set()


def test_two_operators_who_finish_at_once_destroy_the_key_and_tell_of_it_once(
    house: House,
) -> None:
    house.begin()
    house.rewrap()
    for closed in (house.ring._close(SYSTEM, LATER, DELAY), ["file:1"]):
        assert closed == ["file:1"]
        house.ring._destroy("file:1", SYSTEM, LATER)
    assert house.kinds().count(Kind.EPOCH_ENDED) == 1


def test_a_provider_whose_keys_come_from_outside_begins_nothing(house: House) -> None:
    class Outside(FileKeyProvider):
        def add_key(self) -> str:
            raise OutsideKeysError("the keys come from outside", repair="set another one")

    outside = House(house.engine, Outside(house.provider._keys))
    with pytest.raises(OutsideKeysError):
        outside.begin()
    assert Kind.EPOCH_BEGUN not in outside.kinds()
    assert Outside({1: bytes(32)}).key_ids() == ("file:1",)


def test_a_damaged_key_is_counted_left_alone_and_keeps_the_old_key_from_being_destroyed(
    house: House,
) -> None:
    person = somebody(house).hex if house.engine.dialect.name == "sqlite" else somebody(house)
    with house.engine.begin() as connection:
        of_person = "FROM vault_person_key WHERE person_id = :person"
        row = connection.execute(text(f"SELECT wrapped {of_person}"), {"person": person})
        wrapped: bytes = row.scalar_one()
        damaged = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
        connection.execute(
            text("UPDATE vault_person_key SET wrapped = :wrapped WHERE person_id = :person"),
            {"wrapped": damaged, "person": person},
        )
    house.begin()
    told = house.rewrap(limit=3)
    assert told[-1].unreadable == 1
    assert house.keys()[0] == ("file:1", 1, 0)
    with pytest.raises(StillNeededError):
        house.finish()


def test_what_is_wrapped_under_a_key_that_is_gone_is_shown_and_left_alone(house: House) -> None:
    alone = House(house.engine, FileKeyProvider({2: os.urandom(32)}))
    assert house.keys() == [("file:1", PEOPLE, PEOPLE)]
    assert alone.keys() == [("file:1", PEOPLE, PEOPLE), ("file:2", 0, 0)]
    assert alone.rewrap() == []


def test_a_header_that_says_nothing_to_the_provider_is_shown_as_unknown(house: House) -> None:
    changed(house.engine, "UPDATE vault_person_key SET wrapped = substr(wrapped, 2)")
    found = {each.key_id: each.person_keys for each in house.ring.generations()}
    assert found["unknown"] == PEOPLE


def test_rewrapping_stops_when_it_is_told_to_and_goes_on_from_there(house: House) -> None:
    house.begin()
    batches = iter([False, False, False, True])
    rewrapping = house.ring.rewrap(
        actor=SYSTEM, clock=lambda: NOW, stop=lambda: next(batches, True), limit=3
    )
    first = [*rewrapping]
    assert 0 < first[-1].done < first[-1].total
    assert house.rewrap(limit=3)[-1].done == PEOPLE * 2 + 1


def test_a_person_erased_between_reading_and_writing_stays_erased(house: House) -> None:
    house.begin()
    for _ in house.ring.rewrap(actor=SYSTEM, clock=erasing(house), limit=PEOPLE):
        pass
    with house.ledger.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM vault_person_key")).scalar_one() == 0


def erasing(house: House) -> Callable[[], datetime]:
    """A clock that is read between reading a batch and writing it; meanwhile keys are destroyed."""

    def now() -> datetime:
        with house.engine.begin() as connection:
            connection.execute(text("DELETE FROM vault_person_key"))
        return NOW

    return now


def test_two_operators_at_once_leave_every_key_under_one_new_key(house: House) -> None:
    errors: list[BaseException] = []

    def rotate() -> None:
        try:
            house.begin()
            house.rewrap(limit=2)
        except BaseException as error:  # noqa: BLE001  # told to the test below
            errors.append(error)

    threads = [threading.Thread(target=rotate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert house.keys() == [("file:1", 0, 0), ("file:2", PEOPLE, PEOPLE + 1)]
    assert house.kinds().count(Kind.EPOCH_BEGUN) == 1


def test_people_who_come_while_keys_are_rewrapped_are_not_lost(house: House) -> None:
    house.begin()
    with_new: list[PersonId] = []
    for number, _ in enumerate(house.ring.rewrap(actor=SYSTEM, clock=lambda: NOW, limit=3)):
        person = house.enrol(f"late-{number}")
        deposited(house.ledger, house.vault, person, fact())
        with_new.append(person)
    house.finish()
    for person in with_new:
        assert len(viewed(house.ledger, house.vault, person, GROSS).facts) == 1


def test_what_another_process_wraps_under_the_old_key_meanwhile_is_wrapped_anew_too(
    house: House,
) -> None:
    """It has not heard of the new one yet, and this round has gone past its rows."""
    elsewhere = House(house.engine, FileKeyProvider({1: house.provider._keys[1]}))
    house.begin()
    late = iter(["late"])
    told = []
    for progress in house.ring.rewrap(actor=SYSTEM, clock=lambda: NOW, limit=1):
        told.append(progress)
        if progress.done == progress.total:
            for name in late:
                elsewhere.enrol(name)
    assert house.keys() == [("file:1", 0, 0), ("file:2", PEOPLE + 1, PEOPLE + 2)]
    assert told[-1] == Progress(PEOPLE * 2 + 3, PEOPLE * 2 + 3)


def test_nothing_is_wrapped_anew_under_a_key_that_is_given_up(house: House) -> None:
    """By an operator who has read the rows, and not heard that there is a newer key yet."""
    house.begin()
    with begin(house.ledger, actor=SYSTEM, now=NOW) as uow:
        close_epoch(uow, "file:2", lambda _: 0)
    with pytest.raises(ClosedEpochError, match="file:2"):
        house.rewrap()
    assert house.keys()[0] == ("file:1", PEOPLE, PEOPLE)


def test_the_repr_of_what_is_read_hides_the_wrapped_keys(house: House) -> None:
    with house.ledger.read() as connection:
        (row,) = LOG_KEYS.page(connection, [*LOG_KEYS.headers(connection)], None, 1)
    assert repr(row) == f"WrappedRow(id={row.id!r})"

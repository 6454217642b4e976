"""Log keys: one for each owner and year, destroyed for good."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import Connection, select, text

from audit.erasure import destroy_log_key
from audit.keys import INSTALLATION, LogKey, RememberedKeys, keys_for, keys_of, owner_of, period_of
from audit.model import SYSTEM
from audit.reader import entries_about
from audit.store.tables import log_key
from audit.unit_of_work import Ledger, begin
from policies.ids import new_uuid
from tests.audit.faulty import run
from tests.audit.sample import AINO, MATTI, NOW, record, viewed
from tests.wrapping import MemoryWrapper


class CountingWrapper(MemoryWrapper):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.unwrapped = 0

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        self.unwrapped += 1
        return super().unwrap(blob, context)


def keys_in(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.read() as connection:
        return [(each.owner, each.period) for each in connection.execute(select(log_key))]


def own_key(connection: Connection, ledger: Ledger) -> tuple[UUID, bytes]:
    owner = owner_of(AINO)
    return keys_for(connection, ledger.log_keys, [owner], period="2026")[owner]


def test_owner_and_period_are_plain_words() -> None:
    assert owner_of(AINO) == f"person:{AINO}"
    assert period_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == "2026"


def test_each_owner_and_year_has_a_key_of_its_own(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        owners = [owner_of(AINO), owner_of(MATTI), INSTALLATION]
        made = {
            key
            for period in ("2025", "2026")
            for key in keys_for(connection, ledger.log_keys, owners, period=period).values()
        }
        again = own_key(connection, ledger)
    assert len({key_id for key_id, _ in made}) == len({key for _, key in made}) == 6
    assert again in made


def test_keys_are_found_by_id_with_their_owners(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        key_id, key = own_key(connection, ledger)
        found = keys_of(connection, ledger.log_keys, {key_id, new_uuid()})
    assert found == {key_id: LogKey(owner_of(AINO), key)}


def test_the_repr_hides_the_key() -> None:
    assert repr(LogKey("person:x", b"secret")) == "LogKey(owner='person:x')"


def test_unwrapping_is_remembered_but_the_row_is_read_each_time(ledger: Ledger) -> None:
    wrapper = CountingWrapper()
    counted = Ledger(ledger.engine, wrapper)
    record(counted)
    for _ in range(5):
        record(counted)
    assert wrapper.unwrapped == 1
    run(ledger.engine, "DELETE FROM audit_key")
    with ledger.read() as connection:
        assert keys_of(connection, counted.log_keys, {new_uuid()}) == {}
    record(counted)
    record(counted)
    assert wrapper.unwrapped == 2


def test_a_key_is_not_unwrapped_by_who_has_just_made_it(ledger: Ledger) -> None:
    wrapper = CountingWrapper()
    record(Ledger(ledger.engine, wrapper))
    assert wrapper.unwrapped == 0


def test_a_wrapped_key_does_not_open_in_another_place() -> None:
    remembered = RememberedKeys(MemoryWrapper())
    blob = remembered.wrap(bytes(32), b"here")
    assert remembered.unwrap(blob, b"here") == bytes(32)
    with pytest.raises(InvalidTag):
        remembered.unwrap(blob, b"there")


def test_another_wrapper_does_not_open_the_keys(ledger: Ledger) -> None:
    record(ledger)
    with pytest.raises(InvalidTag):
        record(Ledger(ledger.engine, MemoryWrapper()))


def test_two_who_need_a_first_key_at_once_do_not_wait_for_each_other(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with (
        begin(ledger, actor=SYSTEM, now=NOW) as first,
        begin(ledger, actor=SYSTEM, now=NOW) as other,
    ):
        digests = {each.keyed_digest(AINO, "label", b"data") for each in (first, other)}
        ids = [each.record(viewed()) for each in (first, other)]
    assert len(digests) == 2
    with ledger.read() as connection:
        assert [each.event_id for each in entries_about(connection, ledger, AINO)] == ids
    record(ledger)
    assert len(keys_in(ledger)) == 2


def test_a_key_and_a_row_taken_in_different_orders_do_not_block_for_ever(ledger: Ledger) -> None:
    # The first event of a year under a lock on the person's row, and before one.
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    run(
        ledger.engine,
        "CREATE TABLE person_row (id int)",
        "INSERT INTO person_row VALUES (1)",
    )
    lock = text("SELECT id FROM person_row FOR UPDATE")
    made, locked = threading.Event(), threading.Event()

    def key_first() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            uow.keyed_digest(AINO, "label", b"data")
            made.set()
            assert locked.wait(10)
            uow.connection.execute(lock)
            uow.record(viewed())

    thread = threading.Thread(target=key_first)
    thread.start()
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(lock)
        locked.set()
        assert made.wait(10)
        uow.keyed_digest(AINO, "label", b"data")
        uow.record(viewed())
    thread.join(10)
    with ledger.read() as connection:
        assert len(entries_about(connection, ledger, AINO)) == 2


def test_all_keys_of_an_owner_and_year_are_destroyed_together(ledger: Ledger) -> None:
    record(ledger)
    record(ledger, happened=viewed(MATTI))
    run(
        ledger.engine,
        "INSERT INTO audit_key SELECT event_id, owner, period, wrapped FROM audit_key, audit_event "
        f"WHERE number = 1 AND owner = '{owner_of(AINO)}'",
    )
    assert len(keys_in(ledger)) == 3
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert destroy_log_key(uow, AINO, period="2026")
    assert {owner for owner, _ in keys_in(ledger)} == {owner_of(MATTI), INSTALLATION}


def test_the_year_of_the_unit_of_work_decides_about_the_key(ledger: Ledger) -> None:
    last = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    record(ledger, now=last)
    record(ledger, now=last + timedelta(microseconds=1))
    helsinki = timezone(timedelta(hours=2))
    record(ledger, now=datetime(2028, 1, 1, 1, 30, tzinfo=helsinki))
    assert sorted(period for _, period in keys_in(ledger)) == ["2026", "2027"]


def test_a_key_that_will_not_stay_is_a_programming_error(ledger: Ledger) -> None:
    name = ledger.engine.dialect.name
    if name == "sqlite":
        run(
            ledger.engine,
            "CREATE TRIGGER gone AFTER INSERT ON audit_key BEGIN DELETE FROM audit_key; END",
        )
    else:
        run(ledger.engine, "CREATE RULE gone AS ON INSERT TO audit_key DO INSTEAD NOTHING")
    with pytest.raises(RuntimeError, match="vanished"):
        record(ledger)

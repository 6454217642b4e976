"""One order of locks on PostgreSQL: whoever waits holds nothing that the one waited for may need.

Each test stops somebody at the first of several locks, and then takes the last one: had the other
one taken them in another order, both would wait for each other for ever.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, text, update

from audit.completeness import check
from audit.database import open_engine
from audit.erasure import destroy_ended_years, forget
from audit.keys import owner_of
from audit.model import SYSTEM
from audit.scope import EVERYONE
from audit.store.tables import log_key
from audit.unit_of_work import begin
from policies.ids import PersonId, new_uuid
from tests.postgres import schema_of_its_own
from tests.schema import create_tables
from tests.vault.given import GROSS, NOW, deposited, fact
from tests.vault.ring_house import SCHEME, House, with_people
from vault.effects import EFFECTS
from vault.people import correct_identifier, identifier_digest
from vault.resealing import begin_rotation, reseal, reseal_everyone
from vault.store.erasures import delete_person
from vault.store.locks import lock_people, lock_person
from vault.store.people import claim_identifier, person_by_identifier
from vault.store.tables import person_key

AFTER = NOW + timedelta(minutes=1)
WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND pg_blocking_pids(pid) @> ARRAY[:blocking]::int[]"
)


@pytest.fixture
def house(postgresql_url: str) -> Iterator[House]:
    """On PostgreSQL only: SQLite has one writer at a time."""
    with schema_of_its_own(postgresql_url) as url:
        engine = open_engine(url)
        create_tables(engine)
        yield with_people(engine, 2)
        engine.dispose()


@pytest.fixture
def two(house: House) -> tuple[PersonId, PersonId]:
    """Two people: the one with the lower id lies behind the other in every table."""
    before = house.enrol("first")
    while (after := house.enrol(new_uuid())) > before:
        pass
    return after, before


@contextmanager
def held(house: House, lock: Callable[[Connection], object]) -> Iterator[Connection]:
    """A transaction of somebody else's that holds what it has locked."""
    with house.engine.connect() as connection:
        lock(connection)
        yield connection
        connection.rollback()


def while_it_waits(
    blocker: Connection, work: Callable[[], object], then: Callable[[], object]
) -> None:
    """Let the work run until it waits for the blocker; do the other thing, let go, and see the
    work end."""
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            waits_for(blocker)
            then()
        finally:
            blocker.rollback()
        working.result(timeout=60)


def waits_for(blocker: Connection) -> None:
    pid = blocker.execute(text("SELECT pg_backend_pid()")).scalar_one()
    for _ in range(2_000):
        with blocker.engine.connect() as looking:
            if looking.execute(WAITS, {"blocking": pid}).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def is_free(house: House, query: str, **values: object) -> None:
    """Raises where a row of the query is locked."""
    with house.engine.connect() as connection:
        assert connection.execute(text(f"{query} FOR UPDATE NOWAIT"), values).all()


def lock_key(of: PersonId) -> Callable[[Connection], object]:
    query = select(person_key.c.version).where(person_key.c.person_id == of)
    return lambda connection: connection.execute(query.with_for_update()).one()


def key_is_free(house: House, of: PersonId) -> None:
    is_free(house, "SELECT wrapped FROM vault_person_key WHERE person_id = :id", id=of)


def test_people_are_locked_by_their_ids(house: House, two: tuple[PersonId, PersonId]) -> None:
    low, high = two
    with held(house, lambda each: lock_person(each, low)) as blocker:

        def lock_both() -> None:
            with house.ledger.read(EVERYONE) as connection:
                assert lock_people(connection, [high, low]).keys() == {low, high}

        query = "SELECT created_at FROM vault_person WHERE person_id = :id"
        while_it_waits(blocker, lock_both, lambda: is_free(house, query, id=high))


def test_who_waits_for_a_person_gets_the_key_that_she_got_meanwhile(
    house: House, two: tuple[PersonId, PersonId]
) -> None:
    low, high = two
    found: list[int] = []

    def lock_both() -> None:
        with house.ledger.read(EVERYONE) as connection:
            keys = lock_people(connection, [low, high])
            found.extend((keys[low].version, keys[high].version))

    with ThreadPoolExecutor(1) as pool:
        with begin(house.ledger, actor=SYSTEM, now=AFTER, about=low) as uow:
            assert reseal(uow, house.vault, [low], older_than=AFTER).done == 1
            waiting = pool.submit(lock_both)
            waits_for(uow.connection)
        waiting.result(timeout=60)
    assert found == [2, 1]


def test_who_waits_for_a_person_who_is_erased_meanwhile_goes_on_without_her(
    house: House, two: tuple[PersonId, PersonId]
) -> None:
    low, high = two
    found: list[PersonId] = []

    def lock_both() -> None:
        with house.ledger.read(EVERYONE) as connection:
            found.extend(lock_people(connection, [low, high]))

    with ThreadPoolExecutor(1) as pool, house.engine.connect() as erasing:
        lock_person(erasing, low)
        delete_person(erasing, low)
        waiting = pool.submit(lock_both)
        waits_for(erasing)
        erasing.commit()
        waiting.result(timeout=60)
    assert found == [high]


def test_new_keys_take_the_old_ones_in_the_order_of_wrapping_anew(
    house: House, two: tuple[PersonId, PersonId]
) -> None:
    low, high = two

    def renew() -> None:
        with begin(house.ledger, actor=SYSTEM, now=AFTER, about=EVERYONE) as uow:
            assert reseal(uow, house.vault, [high, low], older_than=AFTER).done == 2

    with held(house, lock_key(low)) as blocker:
        while_it_waits(blocker, renew, lambda: key_is_free(house, high))


def test_keys_are_wrapped_anew_in_the_order_of_their_ids(
    house: House, two: tuple[PersonId, PersonId]
) -> None:
    low, high = two
    house.begin()

    def rewrap() -> None:
        assert house.rewrap()[-1].done

    with held(house, lock_key(low)) as blocker:
        while_it_waits(blocker, rewrap, lambda: key_is_free(house, high))


def test_an_erasure_takes_all_keys_of_a_person_in_their_order(
    house: House, two: tuple[PersonId, PersonId]
) -> None:
    who, _ = two
    with house.engine.begin() as connection:
        # The first version behind the second one.
        row = {"person_id": who, "wrapped": b"key", "created_at": NOW}
        second = update(person_key).where(person_key.c.person_id == who).values(version=2)
        connection.execute(second)
        connection.execute(person_key.insert().values(version=1, **row))
    query = select(person_key.c.version).where(person_key.c.person_id == who)
    first = query.where(person_key.c.version == 1).with_for_update()

    def erase() -> None:
        with house.engine.begin() as connection:
            delete_person(connection, who)

    of_second = "SELECT wrapped FROM vault_person_key WHERE person_id = :id AND version = 2"
    with held(house, lambda each: each.execute(first).one()) as blocker:
        while_it_waits(blocker, erase, lambda: is_free(house, of_second, id=who))


def keys_of_the_log(house: House, who: PersonId) -> list[object]:
    query = select(log_key.c.key_id).where(log_key.c.owner == owner_of(who))
    with house.engine.connect() as connection:
        return sorted(connection.execute(query).scalars())


@pytest.mark.parametrize("by", ["order", "retention"])
def test_keys_of_the_log_are_destroyed_in_the_order_of_wrapping_anew(
    house: House, two: tuple[PersonId, PersonId], by: str
) -> None:
    who, _ = two
    with house.engine.begin() as connection:
        for _ in range(5):
            row = {"owner": owner_of(who), "period": "2026", "wrapped": b"key"}
            connection.execute(log_key.insert().values(key_id=new_uuid(), **row))
    ids = keys_of_the_log(house, who)
    first = select(log_key.c.key_id).where(log_key.c.key_id == ids[0]).with_for_update()

    def destroy() -> None:
        if by == "retention":
            assert destroy_ended_years(house.ledger, before=2027, actor=SYSTEM, now=NOW) > len(ids)
        else:
            with begin(house.ledger, actor=SYSTEM, now=NOW) as uow:
                assert forget(uow, who)

    last = "SELECT wrapped FROM audit_key WHERE key_id = :id"
    with held(house, lambda each: each.execute(first).one()) as blocker:
        while_it_waits(blocker, destroy, lambda: is_free(house, last, id=ids[-1]))
    assert keys_of_the_log(house, who) == []


def test_a_correction_waits_for_the_identifier_before_it_has_the_person(
    house: House, two: tuple[PersonId, PersonId]
) -> None:
    """An import has claimed the identifier that she gets, and wants her next."""
    who, other = two
    digest = identifier_digest(house.vault, SCHEME, "new")

    def correct() -> None:
        with begin(house.ledger, actor=SYSTEM, now=NOW) as uow:
            correct_identifier(uow, house.vault, who, scheme=SCHEME, identifier="new")

    def claim(connection: Connection) -> None:
        assert claim_identifier(connection, other, scheme=SCHEME, digest=digest, now=NOW)

    query = "SELECT created_at FROM vault_person WHERE person_id = :id"
    with held(house, claim) as blocker:
        while_it_waits(blocker, correct, lambda: is_free(house, query, id=who))
    with house.ledger.read() as connection:
        assert person_by_identifier(connection, digest) == who


def test_rotations_and_deposits_at_once_all_come_to_their_end(house: House) -> None:
    people = [house.enrol(number) for number in range(2, 30)]
    house.begin()
    with begin(house.ledger, actor=SYSTEM, now=AFTER) as uow:
        rotation = begin_rotation(uow)

    def reseal_all() -> None:
        work = reseal_everyone(
            house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: AFTER, at_once=7
        )
        assert [*work]

    def deposit_all() -> None:
        for each in reversed(people):
            deposited(house.ledger, house.vault, each, fact(GROSS, 1))

    work = (reseal_all, lambda: house.rewrap(limit=5), lambda: house.rewrap(limit=6), deposit_all)
    with ThreadPoolExecutor(len(work)) as pool:
        for each in [pool.submit(one) for one in work]:
            each.result(timeout=120)
    assert check(house.ledger, [EFFECTS], now=NOW).findings == ()

"""New keys for people: everything is sealed anew, opens as before, and is what the log says."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text

from audit.completeness import check
from audit.epochs import close_epoch
from audit.model import SYSTEM, Event, Kind
from audit.open_epoch import ClosedEpochError
from audit.reader import entries_about, search
from audit.scope import EVERYONE
from audit.sequencer import Sequencer
from audit.unit_of_work import begin
from policies.ids import OrganisationId, PersonId, new_uuid
from tests.audit.sample import signers
from tests.unguarded import unguard
from tests.vault.given import (
    EMPLOYER,
    GROSS,
    INCOME,
    KELA,
    MUNICIPALITY,
    NOW,
    deposited,
    document,
    fact,
    viewed,
)
from tests.vault.ring_house import LATER, SCHEME, House, changed, with_people
from vault.deposits import deposit
from vault.digests import deposit_digest, joint_digest
from vault.effects import EFFECTS
from vault.erasure import Request, erase_person
from vault.people import enrol, pairwise_subject
from vault.providers.file import FileKeyProvider
from vault.resealing import (
    Resealing,
    Rotation,
    _Anew,
    begin_rotation,
    last_rotation,
    reseal,
    reseal_everyone,
    resealing,
)
from vault.sealed_check import differing_deposits
from vault.store import erasures
from vault.store.locks import lock_person
from vault.store.people import WrappedKey
from vault.store.tables import person_key, version
from vault.vault import Vault

PEOPLE = 4
AFTER = NOW + timedelta(minutes=1)


@pytest.fixture
def house(engine: Engine) -> House:
    return with_people(engine, PEOPLE)


@pytest.fixture
def person(house: House) -> PersonId:
    """Somebody with two deposits and three records, one of them in two versions."""
    who = house.enrol("me")
    deposited(house.ledger, house.vault, who, fact(GROSS, 1), fact(EMPLOYER, "Oy"))
    deposited(house.ledger, house.vault, who, fact(GROSS, 2))
    deposited(house.ledger, house.vault, who, fact(MUNICIPALITY, "091"))
    return who


def resealed(house: House, who: PersonId) -> bool:
    with begin(house.ledger, actor=SYSTEM, now=AFTER, about=who) as uow:
        return reseal(uow, house.vault, [who], older_than=AFTER).done == 1


def rows(house: House, who: PersonId) -> list[dict[str, object]]:
    query = select(version).where(version.c.person_id == who)
    with house.ledger.read(who) as connection:
        found = connection.execute(query.order_by(version.c.record_id, version.c.version))
        return [dict(row._mapping) for row in found]


def keys(house: House, who: PersonId) -> list[int]:
    query = select(person_key.c.version).where(person_key.c.person_id == who)
    with house.ledger.read(who) as connection:
        return sorted(connection.execute(query).scalars())


def values(house: House, who: PersonId) -> list[object]:
    return [each.value for each in viewed(house.ledger, house.vault, who, GROSS, EMPLOYER).facts]


def differing(house: House, who: PersonId) -> list[UUID]:
    with house.ledger.read(who) as connection:
        return differing_deposits(connection, house.ledger, who)


def test_everything_opens_under_the_new_key_and_the_old_one_is_gone(
    house: House, person: PersonId
) -> None:
    before, held = rows(house, person), values(house, person)
    assert resealed(house, person)
    assert keys(house, person) == [2]
    assert values(house, person) == held == [2, "Oy"]
    after = rows(house, person)
    assert {row["key_version"] for row in after} == {2}
    assert {row["sealed"] for row in before}.isdisjoint(row["sealed"] for row in after)


def test_nothing_beside_the_seal_is_changed(house: House, person: PersonId) -> None:
    before = rows(house, person)
    resealed(house, person)
    changes = {"sealed", "key_version"}
    assert [{k: v for k, v in row.items() if k not in changes} for row in before] == [
        {k: v for k, v in row.items() if k not in changes} for row in rows(house, person)
    ]
    assert len(before) == 4


def test_the_pseudonyms_stay_the_same(house: House, person: PersonId) -> None:
    def pseudonym(sector: OrganisationId) -> str:
        with house.ledger.read(person) as connection:
            return pairwise_subject(connection, house.vault, person, sector)

    before = pseudonym(KELA)
    resealed(house, person)
    assert pseudonym(KELA) == before


def test_the_person_sees_one_event_and_nothing_of_the_content(
    house: House, person: PersonId
) -> None:
    resealed(house, person)
    with house.ledger.read(person) as connection:
        told = entries_about(connection, house.ledger, person)[0]
    assert told.kind is Kind.DATA_RESEALED
    assert told.get("reference") == "2"
    assert told.many("attributes") == ()


def test_new_data_is_sealed_under_the_new_key(house: House, person: PersonId) -> None:
    resealed(house, person)
    deposited(house.ledger, house.vault, person, fact(GROSS, 3))
    assert values(house, person) == [3, "Oy"]
    assert {row["key_version"] for row in rows(house, person)} == {2}
    assert differing(house, person) == []


def test_a_person_without_records_gets_a_new_key_too(house: House) -> None:
    who = house.enrol("nobody yet")
    assert resealed(house, who)
    assert keys(house, who) == [2]


def test_a_key_that_is_not_due_stays(house: House, person: PersonId) -> None:
    assert resealed(house, person)
    assert not resealed(house, person)
    with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
        assert reseal(uow, house.vault, [person], older_than=NOW - timedelta(days=1)).done == 0
    assert keys(house, person) == [2]


def test_an_erasure_asks_for_a_new_key_however_new_the_old_one_is(
    house: House, person: PersonId
) -> None:
    for number in (2, 3):
        with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
            assert reseal(uow, house.vault, [person], older_than=None).done == 1
        assert keys(house, person) == [number]
    assert values(house, person) == [2, "Oy"]


class Watched(Vault):
    """A vault that remembers the plain keys that it has made."""

    __slots__ = ("made",)
    made: list[bytearray]

    def new_person_key(self, person: PersonId, version: int) -> tuple[bytearray, bytes]:
        key, wrapped = super().new_person_key(person, version)
        self.made.append(key)
        return key, wrapped


@pytest.mark.parametrize("damaged", [False, True])
def test_a_new_key_is_zeroed_once_all_is_sealed_or_does_not_open(
    house: House, person: PersonId, damaged: bool
) -> None:
    if damaged:
        unopenable(house, person)
    vault = Watched(
        provider=house.provider,
        index_key=bytes(32),
        installation=house.vault.installation,
        catalogue=house.vault.catalogue,
    )
    vault.made = []
    with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
        assert reseal(uow, vault, [person], older_than=None).done == (0 if damaged else 1)
    assert vault.made == [bytes(32)]


def test_what_is_to_be_written_shows_neither_seed_nor_rows() -> None:
    anew = _Anew(PersonId(UUID(int=1)), WrappedKey(2, b"wrapped"), b"the seed", [{"sealed": b"x"}])
    assert "seed" not in repr(anew)
    assert "sealed" not in repr(anew)


def test_no_key_is_made_under_a_main_key_that_is_given_up(house: House, person: PersonId) -> None:
    """By a process that has not heard of the newer one yet."""
    elsewhere = House(house.engine, FileKeyProvider({1: house.provider._keys[1]}))
    house.begin()
    with begin(house.ledger, actor=SYSTEM, now=NOW) as uow:
        close_epoch(uow, "file:1", lambda _: 0)
    with pytest.raises(ClosedEpochError, match="file:1"):
        resealed(elsewhere, person)
    assert keys(house, person) == [1]


def test_somebody_whom_nobody_knows_has_nothing_to_be_sealed(house: House) -> None:
    assert not resealed(house, PersonId(new_uuid()))


def test_what_was_sealed_anew_is_held_against_the_log(house: House, person: PersonId) -> None:
    assert differing(house, person) == []
    resealed(house, person)
    assert differing(house, person) == []


def test_the_digest_of_a_deposit_is_the_one_in_its_event(house: House, person: PersonId) -> None:
    with house.ledger.read(person) as connection:
        told = {e.get("digest") for e in entries_about(connection, house.ledger, person)}
    stored: dict[UUID, list[tuple[UUID, int, bytes]]] = {}
    for row in rows(house, person):
        part = (row["record_id"], row["version"], row["sealed"])
        stored.setdefault(row["deposit_id"], []).append(part)  # type: ignore[arg-type]
    assert len(stored) == 3
    assert {deposit_digest(each, parts).hex() for each, parts in stored.items()} <= told


def test_a_row_put_back_to_what_it_was_before_is_found(house: House, person: PersonId) -> None:
    before = rows(house, person)[0]
    resealed(house, person)
    with house.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        of_row = (version.c.record_id == before["record_id"]) & (
            version.c.version == before["version"]
        )
        connection.execute(version.update().where(of_row).values(sealed=before["sealed"]))
    assert differing(house, person) == [before["deposit_id"]]


def test_a_changed_row_that_was_never_sealed_anew_is_found(house: House, person: PersonId) -> None:
    with house.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        connection.execute(text("UPDATE vault_record_version SET sealed = substr(sealed, 2)"))
    assert len(differing(house, person)) == 3


def test_a_changed_digest_beside_the_deposit_is_found(house: House, person: PersonId) -> None:
    resealed(house, person)
    with house.engine.begin() as connection:
        unguard(connection, "vault_resealed")
        connection.execute(text("UPDATE vault_resealed SET digest = substr(digest, 2)"))
    assert len(differing(house, person)) == 3


def test_of_what_the_log_can_say_no_more_nothing_is_said(house: House, person: PersonId) -> None:
    resealed(house, person)
    changed(house.engine, "DELETE FROM audit_key WHERE owner LIKE 'person:%'")
    assert differing(house, person) == []
    with house.engine.begin() as connection:
        unguard(connection, "audit_event")
        connection.execute(text("DELETE FROM audit_event"))
    assert differing(house, person) == []


def test_an_erased_data_set_leaves_the_rest_as_the_log_says(house: House, person: PersonId) -> None:
    resealed(house, person)
    with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
        parts = erasures.parts_of(uow.connection, person, INCOME)
        erasures.delete_parts(uow.connection, person, parts)
        uow.record(Event(kind=Kind.DATA_EXPIRED, subject=person))
    assert len(rows(house, person)) == 1
    assert differing(house, person) == []
    changed(house.engine, "DELETE FROM vault_resealed")
    assert len(differing(house, person)) == 1


def test_the_log_is_complete_afterwards(house: House, person: PersonId) -> None:
    begun(house)
    [*everyone(house)]
    Sequencer(house.ledger, signers()).run_once(LATER)
    assert check(house.ledger, [EFFECTS], now=LATER).findings == ()


def test_an_order_of_its_parts_changes_no_digest() -> None:
    first, second = (new_uuid(), 1, b"a"), (new_uuid(), 2, b"b")
    deposit_id = new_uuid()
    assert deposit_digest(deposit_id, [first, second]) == deposit_digest(
        deposit_id, [second, first]
    )
    pairs = [(new_uuid(), b"a"), (new_uuid(), b"b")]
    assert joint_digest(pairs) == joint_digest(reversed(pairs))
    assert joint_digest(pairs) != joint_digest(pairs[:1])


def begun(house: House) -> Rotation:
    with begin(house.ledger, actor=SYSTEM, now=AFTER) as uow:
        return begin_rotation(uow)


def everyone(house: House, stop: Callable[[], bool] = lambda: False) -> list[Resealing]:
    with house.ledger.read() as connection:
        rotation = last_rotation(connection)
    assert rotation is not None
    work = reseal_everyone(
        house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: LATER, stop=stop, at_once=1
    )
    return [*work]


def test_several_people_are_taken_in_one_transaction(house: House) -> None:
    rotation = begun(house)
    work = reseal_everyone(
        house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: LATER, at_once=3
    )
    assert [each.done for each in work] == [3, PEOPLE]


def last(house: House) -> Rotation | None:
    with house.ledger.read() as connection:
        return last_rotation(connection)


def test_before_the_first_rotation_there_is_none(house: House) -> None:
    assert last(house) is None


def test_a_rotation_replaces_every_key_and_ends(house: House, person: PersonId) -> None:
    assert begun(house) == Rotation(1, AFTER)
    told = everyone(house)
    assert [each.done for each in told] == [1, 2, 3, 4, 5]
    assert {each.total for each in told} == {PEOPLE + 1}
    assert last(house) == Rotation(1, AFTER, LATER)
    assert keys(house, person) == [2]
    with house.ledger.read() as connection:
        kinds = [each.kind for each in search(connection, house.ledger, limit=7)]
    resealed_all = [Kind.DATA_RESEALED] * (PEOPLE + 1)
    assert kinds == [Kind.KEY_ROTATION_ENDED, *resealed_all, Kind.KEY_ROTATION_BEGUN]


def test_a_rotation_under_way_is_gone_on_with(house: House, person: PersonId) -> None:
    begun(house)
    left = iter([False, False, True])
    assert [each.done for each in everyone(house, lambda: next(left))] == [1, 2]
    rotation = begun(house)
    assert (rotation.number, rotation.ended_at) == (1, None)
    with house.ledger.read() as connection:
        assert resealing(connection, rotation) == Resealing(2, PEOPLE + 1)
    assert [each.done for each in everyone(house)] == [3, 4, 5]
    assert begun(house).number == 2
    assert keys(house, person) == [2]


def test_who_comes_meanwhile_is_not_due(house: House) -> None:
    begun(house)
    with begin(house.ledger, actor=SYSTEM, now=LATER) as uow:
        newcomer = enrol(uow, house.vault, scheme=SCHEME, identifier="late")
    assert len(everyone(house)) == PEOPLE
    assert keys(house, newcomer) == [1]


def test_a_clock_that_is_behind_makes_no_key_that_is_due_again(house: House) -> None:
    rotation = begun(house)
    work = reseal_everyone(house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: NOW)
    assert [*work][-1].done == PEOPLE
    with house.ledger.read() as connection:
        assert resealing(connection, rotation) == Resealing(PEOPLE, PEOPLE)


def unopenable(house: House, who: PersonId) -> None:
    """Damage what is kept of somebody."""
    with house.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        of_person = version.c.person_id == who
        connection.execute(version.update().where(of_person).values(sealed=b"\x01" + bytes(90)))


def somebody_first(house: House) -> PersonId:
    """Whose turn comes first: people are taken in the order of their ids, which are random."""
    query = select(person_key.c.person_id).order_by(person_key.c.person_id).limit(1)
    with house.ledger.read(EVERYONE) as connection:
        return PersonId(connection.execute(query).scalar_one())


def enrolled_behind(house: House, first: PersonId) -> None:
    """Somebody new whose turn is still to come."""
    number = 0
    while house.enrol(f"late-{number}") < first:
        number += 1


def test_who_comes_into_view_with_an_older_key_counts_beside_those_who_do_not_open(
    house: House, person: PersonId
) -> None:
    """Another process whose clock is behind has let him in after the rotation began."""
    unopenable(house, person)
    rotation = begun(house)
    told: list[Resealing] = []
    for progress in reseal_everyone(
        house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: LATER, at_once=1
    ):
        if not told:
            enrolled_behind(house, somebody_first(house))
        told.append(progress)
    assert told[-1] == Resealing(PEOPLE + 1, PEOPLE + 2, (person,))


def test_somebody_whose_records_do_not_open_is_told_and_keeps_all_of_it(
    house: House, person: PersonId
) -> None:
    unopenable(house, person)
    before = rows(house, person)
    begun(house)
    told = everyone(house)[-1]
    assert told == Resealing(PEOPLE, PEOPLE + 1, (person,))
    assert rows(house, person) == before
    assert keys(house, person) == [1]
    rotation = last(house)
    assert rotation is not None
    assert rotation.ended_at is None


def test_two_operators_at_once_seal_everyone_once(house: House) -> None:
    begun(house)
    at_once(lambda: everyone(house), lambda: everyone(house))
    with house.ledger.read() as connection:
        found = search(connection, house.ledger, kind=Kind.DATA_RESEALED)
    assert len(found) == PEOPLE
    rotation = last(house)
    assert rotation is not None
    assert rotation.ended_at is not None


def at_once(*works: Callable[[], object]) -> None:
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # told below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def waiting(house: House, who: PersonId, work: Callable[[], None]) -> None:
    """Begin the work while the person's key is being replaced, and let it end."""
    thread = threading.Thread(target=work)
    with begin(house.ledger, actor=SYSTEM, now=AFTER, about=who) as uow:
        assert reseal(uow, house.vault, [who], older_than=AFTER).done == 1
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(60)


def test_a_deposit_that_waited_for_the_new_key_is_sealed_under_it(
    house: House, person: PersonId
) -> None:
    def hand_in() -> None:
        with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
            deposit(uow, house.vault, person, document(fact(GROSS, 5)))

    waiting(house, person, hand_in)
    assert values(house, person) == [5, "Oy"]
    assert {row["key_version"] for row in rows(house, person)} == {2}


def test_an_erasure_that_waited_for_the_new_key_takes_it_too(
    house: House, person: PersonId
) -> None:
    def erase() -> None:
        with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
            erase_person(uow, house.vault, person, Request.by_order("A-1"))

    waiting(house, person, erase)
    assert keys(house, person) == []
    assert rows(house, person) == []


def test_a_person_erased_while_her_key_was_to_be_replaced_stays_erased(
    house: House, person: PersonId
) -> None:
    def replace_key() -> None:
        assert not resealed(house, person)

    thread = threading.Thread(target=replace_key)
    with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
        erase_person(uow, house.vault, person, Request.by_order("A-1"))
        thread.start()
        thread.join(0.3)
    thread.join(60)
    assert keys(house, person) == []


def test_who_locks_a_person_gets_the_key_that_is_there_once_it_is_his_turn(
    house: House, person: PersonId
) -> None:
    found: list[WrappedKey | None] = []

    def lock() -> None:
        with begin(house.ledger, actor=SYSTEM, now=AFTER, about=person) as uow:
            found.append(lock_person(uow.connection, person))

    waiting(house, person, lock)
    assert found[0] is not None
    assert found[0].version == 2

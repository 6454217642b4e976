"""Release: what the permit permits, no more, and never without its event."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.reader import entries_about, entry
from audit.unit_of_work import Ledger, begin
from consent.decisions import PermitElsewhereError, decide_self_access
from policies.ids import EventId, OrganisationId, PersonId
from policies.vocabulary import AuthorityRank, Label, LegalBasis
from tests.vault.given import (
    BANK,
    CITY,
    EARLIER,
    EMPLOYER,
    GROSS,
    HOUSEHOLD,
    KELA,
    MUNICIPALITY,
    NOW,
    PAID,
    POPULATION,
    STREET,
    TAX,
    VILLE,
    deposited,
    fact,
    new_vault,
    permit,
    released,
    viewed,
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
from vault.release import release
from vault.store import tables
from vault.vault import Vault

ADDRESS = replace(fact(STREET, "Esimerkkikatu 1 A 2"), labels=frozenset({Label.PROTECTED}))


def logged(ledger: Ledger, event_id: EventId) -> Entry:
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    return found


def test_only_the_permitted_attributes_are_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"), fact(PAID, "2026-10-31"))
    got = released(ledger, vault, person, PAID, GROSS)
    assert got.facts == (fact(PAID, "2026-10-31"), fact())
    assert (got.not_held, got.withheld) == ((), ())


def test_what_is_not_held_is_reported_so(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    deposited(ledger, vault, person, fact())
    got = released(ledger, vault, person, EMPLOYER, GROSS, PAID)
    assert got.facts == (fact(),)
    assert got.not_held == (EMPLOYER, PAID)


def test_an_attribute_named_twice_is_released_once(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    assert released(ledger, vault, person, GROSS, GROSS).facts == (fact(),)


def test_another_persons_values_are_never_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    deposited(ledger, vault, person, fact())
    assert released(ledger, vault, other, GROSS).not_held == (GROSS,)


def test_a_release_is_one_event_with_all_that_explains_it(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    happened = logged(ledger, released(ledger, vault, person, GROSS, EMPLOYER).event_id)
    assert happened.kind is Kind.DATA_RELEASED
    assert happened.subject == person
    assert happened.many("attributes") == (GROSS,)
    told = {name: happened.get(name) for name in ("organisation", "client", "purpose", "basis")}
    assert told == {
        "organisation": "kela",
        "client": "client-1",
        "purpose": "kela-income-check",
        "basis": "statute",
    }
    assert happened.get("consent") == f"{UUID(int=7)}@2"
    assert happened.get("case") == "A-1"
    assert happened.get("reason") is None
    with ledger.read() as connection:
        kinds = [Kind.DATA_RELEASED, Kind.DATA_VIEWED]
        assert len(entries_about(connection, ledger, person, kinds=kinds)) == 1


def test_a_release_of_nothing_is_an_event_too(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    happened = logged(ledger, released(ledger, vault, person, GROSS).event_id)
    assert happened.kind is Kind.DATA_RELEASED
    assert happened.many("attributes") == ()
    assert happened.get("reason") == "nothing-held"


def test_the_persons_own_view_is_recorded_as_viewed(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    got = viewed(ledger, vault, person, GROSS)
    assert got.facts == (fact(),)
    happened = logged(ledger, got.event_id)
    assert happened.kind is Kind.DATA_VIEWED
    assert happened.get("organisation") is None


def test_a_permit_of_another_unit_of_work_opens_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        old = decide_self_access(uow, person, [GROSS])
    with (
        pytest.raises(PermitElsewhereError),
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
    ):
        release(uow, vault, old)


def test_when_the_transaction_fails_nothing_was_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    def fail() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            release(uow, vault, permit(uow, person, [GROSS]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with ledger.read() as connection:
        assert entries_about(connection, ledger, person, kinds=[Kind.DATA_RELEASED]) == []


def test_of_two_sources_the_one_of_higher_authority_is_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    newer = replace(
        fact(GROSS, 1, POPULATION), authority=AuthorityRank.SELF_ASSERTED, observed_at=NOW
    )
    deposited(ledger, vault, person, newer)
    assert released(ledger, vault, person, GROSS).facts == (fact(),)


def test_of_two_sources_of_one_authority_the_newer_is_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    newer = replace(fact(GROSS, 1, POPULATION), observed_at=EARLIER + timedelta(seconds=1))
    deposited(ledger, vault, person, newer)
    deposited(ledger, vault, person, fact())
    assert released(ledger, vault, person, GROSS).facts == (newer,)


@pytest.mark.parametrize(
    ("organisation", "basis"),
    [
        (BANK, LegalBasis.CONSENT),
        (BANK, LegalBasis.STATUTE),
        (KELA, LegalBasis.CONSENT),
        (KELA, LegalBasis.PERMISSION),
        (KELA, LegalBasis.REQUEST),
        (KELA, LegalBasis.CONTRACT),
        (KELA, LegalBasis.VITAL),
        (None, LegalBasis.STATUTE),
    ],
)
def test_a_protected_persons_value_is_withheld(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    organisation: OrganisationId | None,
    basis: LegalBasis,
) -> None:
    deposited(ledger, vault, person, ADDRESS, fact(HOUSEHOLD, 2))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        given = permit(uow, person, [STREET, HOUSEHOLD], organisation=organisation, basis=basis)
        got = release(uow, vault, given)
    assert got.withheld == (STREET,)
    assert got.not_held == ()
    assert [one.attribute for one in got.facts] == [HOUSEHOLD]
    happened = logged(ledger, got.event_id)
    assert happened.many("attributes") == (HOUSEHOLD,)
    assert happened.get("reason") == "protected-withheld"


def test_an_authority_by_law_gets_a_protected_persons_value(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    got = released(ledger, vault, person, STREET, basis=LegalBasis.STATUTE)
    assert got.facts == (ADDRESS,)


def test_a_protected_person_sees_her_own_value(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    assert viewed(ledger, vault, person, STREET).facts == (ADDRESS,)


def test_a_second_source_without_the_mark_is_no_way_around_it(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    unmarked = replace(fact(STREET, "Esimerkkikatu 1", TAX), observed_at=NOW)
    deposited(ledger, vault, person, unmarked)
    got = released(ledger, vault, person, STREET, basis=LegalBasis.PERMISSION)
    assert (got.facts, got.withheld) == ((), (STREET,))


def test_an_old_address_is_withheld_once_the_person_is_marked_anywhere(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    unmarked = replace(ADDRESS, labels=frozenset())
    deposited(ledger, vault, person, unmarked, fact(HOUSEHOLD, 2))
    town = fact(MUNICIPALITY, "Esimerkkilä")
    deposited(ledger, vault, person, replace(town, labels=frozenset({Label.PROTECTED})))
    got = released(ledger, vault, person, STREET, HOUSEHOLD, basis=LegalBasis.PERMISSION)
    assert got.withheld == (STREET,)
    assert [one.attribute for one in got.facts] == [HOUSEHOLD]
    assert viewed(ledger, vault, person, STREET).facts == (unmarked,)


def test_an_address_is_released_again_when_the_protection_has_ended(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    ended = replace(ADDRESS, labels=frozenset(), observed_at=NOW)
    deposited(ledger, vault, person, ended)
    got = released(ledger, vault, person, STREET, basis=LegalBasis.PERMISSION)
    assert got.facts == (ended,)


def test_an_older_unmarked_address_that_comes_late_does_not_end_the_protection(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    town = replace(fact(MUNICIPALITY, "A"), labels=frozenset({Label.PROTECTED}))
    deposited(ledger, vault, person, town)
    late = replace(town, labels=frozenset(), observed_at=EARLIER - timedelta(days=9))
    deposited(ledger, vault, person, late)
    deposited(ledger, vault, person, fact(CITY, "B"))
    got = released(ledger, vault, person, CITY, basis=LegalBasis.CONSENT)
    assert got.withheld == (CITY,)


def test_another_persons_protection_withholds_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    deposited(ledger, vault, other, ADDRESS)
    deposited(ledger, vault, person, fact(CITY, "B"))
    got = released(ledger, vault, person, CITY, basis=LegalBasis.CONSENT)
    assert got.facts == (fact(CITY, "B"),)


def test_a_mark_that_was_taken_off_in_the_table_still_counts(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS, fact(CITY, "Esimerkkilä"))
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.version).values(labels="", authority=0))
        connection.execute(update(tables.record).values(protected=False))
    got = released(ledger, vault, person, STREET, CITY, basis=LegalBasis.PERMISSION)
    assert got.withheld == (STREET, CITY)


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


def test_without_the_key_a_value_is_not_held_any_more(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with ledger.engine.begin() as connection:
        connection.execute(tables.person_key.delete())
    assert released(ledger, vault, person, GROSS).not_held == (GROSS,)


def test_another_key_encryption_key_opens_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with pytest.raises(MisplacedError):
        released(ledger, new_vault(), person, GROSS)


def test_values_sealed_under_two_generations_of_the_key_open_together(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    _, wrapped = vault.new_person_key(person, 2)
    with ledger.engine.begin() as connection:
        row = {"person_id": person, "version": 2, "wrapped": wrapped, "created_at": NOW}
        connection.execute(tables.person_key.insert().values(row))
    deposited(ledger, vault, person, fact(EMPLOYER, "Oy"))
    with ledger.read() as connection:
        query = select(tables.version.c.key_version).order_by(tables.version.c.key_version)
        assert connection.execute(query).scalars().all() == [1, 2]
    got = released(ledger, vault, person, GROSS, EMPLOYER)
    assert got.facts == (fact(), fact(EMPLOYER, "Oy"))


def test_a_release_reads_keys_and_records_in_one_query(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"), fact(PAID, "2026-10-31"))
    seen = list[str]()

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    sqlalchemy_event.listen(ledger.engine, "before_cursor_execute", note)
    released(ledger, vault, person, GROSS, EMPLOYER, PAID)
    assert len([statement for statement in seen if "vault_" in statement]) == 1


def test_a_released_result_cannot_be_widened_and_shows_no_value(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(EMPLOYER, "Salainen Oy"))
    got = released(ledger, vault, person, EMPLOYER)
    assert "Salainen" not in repr(got)
    with pytest.raises(FrozenInstanceError):
        got.facts = ()  # type: ignore[misc]  # that it is frozen is the point

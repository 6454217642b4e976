"""Reading the log: each reader sees what is hers, pages do not overlap, damage is an error."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from audit.disclosure import DIGESTS, commitment, leaf
from audit.erasure import destroy_log_key
from audit.model import SYSTEM, Actor, Event, Kind
from audit.proofs import inclusion, proof_text
from audit.reader import (
    committed,
    disclosures,
    entries_about,
    entries_of,
    entry,
    everything,
    first_entry_at,
    happened_at,
    own,
    placed_disclosures,
    search,
)
from audit.seal import SealedEventError
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from policies.ids import (
    AttributeId,
    ClientId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
    new_uuid,
)
from policies.vocabulary import LegalBasis
from tests.audit.faulty import run, unguard
from tests.audit.sample import AINO, KELA, LOG, MATTI, NOW, record, signer, viewed
from tests.proving import proven

FULL = Event(
    kind=Kind.DATA_RELEASED,
    subject=AINO,
    organisation=KELA,
    client=ClientId("kela-benefits"),
    consent="c0ffee@3",
    purpose=PurposeId("kela-unemployment-benefit"),
    basis=LegalBasis.PERMISSION,
    attributes=(AttributeId("income.employer"), AttributeId("income.monthly_gross")),
    reason="all-good",
    reference="ref",
    case="K-2026/17",
    digest="ab" * 32,
    token="cd" * 32,
)


def test_an_entry_tells_all_that_was_recorded(ledger: Ledger) -> None:
    (event_id,) = record(ledger, happened=FULL, actor=Actor.client(ClientId("kela-benefits")))
    with ledger.read() as connection:
        (found,) = entries_about(connection, ledger, AINO)
    assert found.fields == {
        "kind": "data.released",
        "at": "2026-11-24T09:00:00.000000+00:00",
        "subject": str(AINO),
        "organisation": "kela",
        "client": "kela-benefits",
        "consent": "c0ffee@3",
        "purpose": "kela-unemployment-benefit",
        "basis": "permission",
        "attributes": ["income.employer", "income.monthly_gross"],
        "reason": "all-good",
        "reference": "ref",
        "case": "K-2026/17",
        "digest": "ab" * 32,
        "token": "cd" * 32,
        "actor": "client:kela-benefits",
        "n": "1",
    }
    assert (found.event_id, found.at, found.index) == (event_id, NOW, None)
    assert (found.kind, found.subject) == (Kind.DATA_RELEASED, AINO)
    assert found.many("attributes") == ("income.employer", "income.monthly_gross")
    assert found.many("case") == ("K-2026/17",)
    assert found.many("nothing") == ()
    assert found.get("attributes") is None


def test_a_person_sees_only_what_is_about_her(ledger: Ledger) -> None:
    record(ledger, 2, happened=viewed(MATTI))
    mine = record(ledger, 3)
    with ledger.read() as connection:
        assert [each.event_id for each in entries_about(connection, ledger, AINO)] == mine[::-1]
        assert entries_about(connection, ledger, PersonId(new_uuid())) == []


def test_pages_follow_each_other_without_gap_or_repetition(ledger: Ledger) -> None:
    ids = record(ledger, 7)
    seen: list[EventId] = []
    before = None
    with ledger.read() as connection:
        while page := entries_about(connection, ledger, AINO, before=before, limit=3):
            seen += [each.event_id for each in page]
            before = page[-1].number
    assert seen == ids[::-1]


def test_a_person_may_ask_for_some_kinds(ledger: Ledger) -> None:
    record(ledger, 2)
    wanted = record(ledger, happened=Event(kind=Kind.CONSENT_GIVEN, subject=AINO))
    with ledger.read() as connection:
        found = entries_about(connection, ledger, AINO, kinds=[Kind.CONSENT_GIVEN])
        assert [each.event_id for each in found] == wanted
        assert entries_about(connection, ledger, AINO, kinds=[]) == []


def test_another_acting_person_stays_closed_to_the_subject(ledger: Ledger) -> None:
    (event_id,) = record(ledger, actor=Actor.person(MATTI))
    with ledger.read() as connection:
        (hers,) = entries_about(connection, ledger, AINO)
        audited = entry(connection, ledger, event_id)
    assert hers.get("actor") is None
    assert hers.kind is Kind.DATA_VIEWED
    assert audited is not None
    assert audited.get("actor") == f"person:{MATTI}"


def test_her_own_acts_are_open_to_her(ledger: Ledger) -> None:
    record(ledger, actor=Actor.person(AINO))
    with ledger.read() as connection:
        (hers,) = entries_about(connection, ledger, AINO)
    assert hers.get("actor") == f"person:{AINO}"


def test_an_event_about_nobody_is_the_auditors(ledger: Ledger) -> None:
    (event_id,) = record(ledger, happened=Event(kind=Kind.LOG_SEARCHED), actor=Actor.person(MATTI))
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    assert (found.subject, found.get("actor")) == (None, f"person:{MATTI}")


def test_an_unknown_event_is_none(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert entry(connection, ledger, EventId(new_uuid())) is None
        assert disclosures(connection, ledger, EventId(new_uuid())) is None
        assert first_entry_at(connection) is None


@pytest.fixture
def searched(ledger: Ledger) -> Ledger:
    record(ledger, happened=FULL)
    record(ledger, happened=viewed(MATTI), now=NOW + timedelta(hours=1))
    other = Event(kind=Kind.DATA_RELEASED, subject=MATTI, organisation=OrganisationId("dvv"))
    record(ledger, happened=other, now=NOW + timedelta(hours=2))
    return ledger


SEARCHES = [
    ({}, [3, 2, 1]),
    ({"since": NOW + timedelta(hours=1)}, [3, 2]),
    ({"until": NOW + timedelta(hours=1)}, [1]),
    ({"since": NOW, "until": NOW + timedelta(hours=2)}, [2, 1]),
    ({"kind": Kind.DATA_RELEASED}, [3, 1]),
    ({"organisation": KELA}, [1]),
    ({"kind": Kind.DATA_VIEWED, "organisation": KELA}, []),
    ({"before": 3}, [2, 1]),
    ({"limit": 1}, [3]),
]


@pytest.mark.parametrize(("wanted", "numbers"), SEARCHES)
def test_the_auditor_searches(
    searched: Ledger, wanted: dict[str, object], numbers: list[int]
) -> None:
    with searched.read() as connection:
        found = search(connection, searched, **wanted)  # type: ignore[arg-type]  # a table of cases
        assert [each.number for each in found] == numbers
        assert first_entry_at(connection) == NOW


def test_an_index_comes_with_the_sequencer(ledger: Ledger, sequencer: Sequencer) -> None:
    (event_id,) = record(ledger)
    sequencer.run_once(NOW)
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
        disclosed = disclosures(connection, ledger, event_id)
    assert found is not None
    assert disclosed is not None
    assert found.index == disclosed.index == 0


def destroy(ledger: Ledger, person: PersonId, period: str = "2026") -> bool:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return destroy_log_key(uow, person, period=period)


def test_a_destroyed_key_leaves_the_proof_and_takes_the_story(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    (event_id,) = record(ledger, happened=FULL)
    record(ledger, happened=viewed(MATTI))
    with ledger.read() as connection:
        assert entries_about(connection, ledger, AINO)[0].fields
    assert destroy(ledger, AINO)
    sequencer.run_once(NOW)
    with ledger.read() as connection:
        (found,) = entries_about(connection, ledger, AINO)
        assert (found.fields, found.kind, found.subject) == ({}, None, None)
        disclosed = disclosures(connection, ledger, event_id)
        proof = inclusion(connection, ledger, event_id)
        assert entries_about(connection, ledger, MATTI)[0].kind is Kind.DATA_VIEWED
    assert disclosed is not None
    assert proof is not None
    assert disclosed.disclosures == ()
    checkpoint = proven(
        proof_text(proof), leaf(commitment(event_id, disclosed.digests)), [signer().verifier]
    )
    assert checkpoint.size == 3


def test_a_destroyed_key_of_the_actor_takes_the_actor_only(ledger: Ledger) -> None:
    (event_id,) = record(ledger, actor=Actor.person(MATTI))
    destroy(ledger, MATTI)
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    assert (found.kind, found.get("actor")) == (Kind.DATA_VIEWED, None)


def test_the_destruction_is_recorded_without_a_name(ledger: Ledger) -> None:
    record(ledger)
    destroy(ledger, AINO)
    with ledger.read() as connection:
        (found,) = search(connection, ledger, kind=Kind.KEYS_DESTROYED)
    assert found.fields["reference"] == "2026"
    assert str(AINO) not in str(found.fields)


def test_another_year_keeps_its_key(ledger: Ledger) -> None:
    record(ledger, now=NOW.replace(year=2025))
    record(ledger)
    assert destroy(ledger, AINO, "2025")
    assert not destroy(ledger, AINO, "2024")
    with ledger.read() as connection:
        kinds = [each.kind for each in entries_about(connection, ledger, AINO)]
    assert kinds == [Kind.DATA_VIEWED, None]


def test_after_destruction_a_new_key_is_made(ledger: Ledger) -> None:
    record(ledger)
    destroy(ledger, AINO)
    record(ledger)
    with ledger.read() as connection:
        kinds = [each.kind for each in entries_about(connection, ledger, AINO)]
    assert kinds == [Kind.DATA_VIEWED, None]


def test_disclosures_are_given_as_far_as_the_reader_may_open(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger, actor=Actor.person(AINO))
    record(ledger, happened=viewed(MATTI), actor=Actor.person(AINO))
    sequencer.run_once(NOW)
    with ledger.read() as connection:
        seen = {
            name: [
                len(each.disclosures)
                for each in placed_disclosures(connection, ledger, LOG, 0, 2, may_open=may_open)
            ]
            for name, may_open in {
                "auditor": everything,
                "aino": own(AINO),
                "matti": own(MATTI),
            }.items()
        }
    assert seen == {"auditor": [6, 8], "aino": [6, 3], "matti": [0, 5]}


SWAPPED = "UPDATE audit_leaf SET number = CASE number WHEN 11 THEN 2 ELSE 1 END"


def changed(ledger: Ledger, assignment: str) -> None:
    unguard(ledger.engine, "audit_event")
    run(ledger.engine, f"UPDATE audit_event SET {assignment} WHERE number = 1")


@pytest.mark.parametrize(
    "assignment",
    [
        "commitment = (SELECT commitment FROM audit_event WHERE number = 2)",
        "digests = (SELECT digests FROM audit_event WHERE number = 2)",
        "sealed = (SELECT sealed FROM audit_event WHERE number = 2)",
        "at = (SELECT at FROM audit_checkpoint)",
        "(digests, commitment) = (SELECT digests, commitment FROM audit_event WHERE number = 2)",
    ],
)
def test_a_changed_row_is_an_error_and_no_story(
    ledger: Ledger, sequencer: Sequencer, assignment: str
) -> None:
    ids = record(ledger, 2)
    sequencer.run_once(NOW + timedelta(hours=1))
    changed(ledger, assignment)
    with ledger.read() as connection, pytest.raises(SealedEventError):
        entry(connection, ledger, ids[0])


def test_an_event_that_is_not_the_one_in_the_tree_is_an_error(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    ids = record(ledger, 2)
    sequencer.run_once(NOW)
    unguard(ledger.engine, "audit_leaf")
    run(ledger.engine, "UPDATE audit_leaf SET number = number + 10", SWAPPED)
    with ledger.read() as connection, pytest.raises(SealedEventError, match="leaf"):
        entry(connection, ledger, ids[0])


def test_an_event_about_another_in_her_list_is_an_error(ledger: Ledger) -> None:
    # The index is no part of what is proven, so what it leads to is looked at.
    record(ledger)
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED))
    run(
        ledger.engine,
        "INSERT INTO audit_about (person_id, number) SELECT person_id, 2 FROM audit_about",
    )
    with ledger.read() as connection, pytest.raises(SealedEventError, match="subject"):
        entries_about(connection, ledger, AINO)


def test_digests_that_do_not_hold_what_is_sealed_are_an_error(ledger: Ledger) -> None:
    (event_id,) = record(ledger)
    digests = [bytes([i]) * 32 for i in range(DIGESTS)]
    unguard(ledger.engine, "audit_event")
    with ledger.engine.begin() as connection:
        connection.execute(
            text("UPDATE audit_event SET digests = :digests, commitment = :commitment"),
            {"digests": b"".join(digests), "commitment": commitment(event_id, digests)},
        )
    with ledger.read() as connection, pytest.raises(SealedEventError, match="disclosure"):
        entry(connection, ledger, event_id)


def test_events_are_found_by_their_ids_and_one_that_is_not_there_is_absent(ledger: Ledger) -> None:
    first, second = record(ledger, 2)
    unknown = EventId(new_uuid())
    with ledger.read() as connection:
        found = entries_of(connection, ledger, [second, unknown])
        assert found == {second: entry(connection, ledger, second)}
        assert (happened_at(connection, first), happened_at(connection, unknown)) == (NOW, None)


def test_what_a_promise_speaks_of_is_the_commitment_of_the_event(ledger: Ledger) -> None:
    (event_id,) = record(ledger)
    with ledger.read() as connection:
        found = committed(connection, event_id)
        shown = disclosures(connection, ledger, event_id)
        assert committed(connection, EventId(new_uuid())) is None
    assert found is not None
    assert shown is not None
    assert (found.at, found.commitment) == (NOW, commitment(event_id, shown.digests))

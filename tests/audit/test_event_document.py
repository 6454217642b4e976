"""A document shows what its reader may open, and proves the event all the same."""

import pytest

from audit.event_document import event_document
from audit.event_proof import EventProof, verify_event_proof
from audit.faults import BundleError
from audit.model import Actor, Event, Kind
from audit.reader import MayOpen, everything, own
from audit.sequencer import Sequencer
from audit.trust import Trust
from audit.unit_of_work import Ledger
from policies.ids import EventId, new_uuid
from tests.audit.sample import AINO, KELA, MATTI, NOW, record, signers

TRUST = Trust.of(*signers().vkeys("2026h2"))


@pytest.fixture
def event_id(ledger: Ledger, sequencer: Sequencer) -> EventId:
    """Matti looked at something of Aino."""
    happened = Event(kind=Kind.DATA_VIEWED, subject=AINO, organisation=KELA, reason="own-reason")
    found = record(ledger, 1, happened=happened, actor=Actor.person(MATTI))[0]
    record(ledger, 3)
    sequencer.run_once(NOW)
    return found


def shown(document: EventProof) -> set[str]:
    return set(verify_event_proof(document, TRUST, file="event").fields)


OF_AINO = {"kind", "at", "subject", "organisation", "reason", "n"}


@pytest.mark.parametrize(
    ("may_open", "fields", "names"),
    [
        (everything, None, {*OF_AINO, "actor", "actor_n"}),
        (own(AINO), None, OF_AINO),
        (own(MATTI), None, {"actor", "actor_n"}),
        (everything, {"kind", "organisation", "case"}, {"kind", "organisation"}),
        (everything, set(), set()),
    ],
)
def test_a_reader_sees_what_is_hers_to_open(
    ledger: Ledger, event_id: EventId, may_open: MayOpen, fields: set[str] | None, names: set[str]
) -> None:
    with ledger.read() as connection:
        made = event_document(connection, ledger, event_id, may_open=may_open, fields=fields)
    assert made is not None
    assert shown(made) == names
    assert EventProof.parse(str(made)) == made


def test_an_event_that_nobody_knows_or_that_waits_has_no_document(
    ledger: Ledger, event_id: EventId
) -> None:
    waiting = record(ledger, 1)[0]
    with ledger.read() as connection:
        for wanted in (waiting, EventId(new_uuid())):
            assert event_document(connection, ledger, wanted, may_open=everything) is None
    assert event_id != waiting


def test_a_document_of_one_event_proves_no_other(ledger: Ledger, event_id: EventId) -> None:
    with ledger.read() as connection:
        made = event_document(connection, ledger, event_id, may_open=everything)
    assert made is not None
    other = EventProof.parse(str(made).replace(str(made.event_id), str(new_uuid())))
    with pytest.raises(BundleError):
        verify_event_proof(other, TRUST, file="event")

"""How consents stand for who has their references: each state, for its client and for sources."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import update

from audit.database import open_engine
from audit.unit_of_work import Ledger
from consent.model import OPEN, OPEN_FOR, Client, Status
from consent.pushed import reference
from consent.statuses import Standing, Stands, statuses
from consent.store.tables import consent as table
from policies.ids import ConsentId, DatasetId
from tests.consent.flow import NOW, Flow, metadata
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper

SEEN = {
    Status.REQUESTED: Standing.OPEN,
    Status.DEFERRED: Standing.OPEN,
    Status.PENDING_JOINT: Standing.OPEN,
    Status.ACTIVE: Standing.ACTIVE,
    Status.SUSPENDED: Standing.PAUSED,
    Status.REFUSED: Standing.NOT_GIVEN,
    Status.LAPSED: Standing.NOT_GIVEN,
    Status.CANCELLED: Standing.NOT_GIVEN,
    Status.WITHDRAWN: Standing.WITHDRAWN,
    Status.EXPIRED: Standing.ENDED,
    Status.REVOKED: Standing.ENDED,
    Status.INVALIDATED: Standing.ENDED,
    Status.SUPERSEDED: Standing.ENDED,
}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    create_tables(engine)
    yield Flow(Ledger(engine, MemoryWrapper()))
    engine.dispose()


def seen(
    flow: Flow,
    *references: ConsentId,
    client: Client | None = None,
    keeps: tuple[str, ...] = (),
    now: datetime = NOW,
) -> list[Stands]:
    kept = [DatasetId(each) for each in keeps]
    with flow.ledger.read() as connection:
        return statuses(connection, references, client or flow.client, keeps=kept, now=now)


def brought_to(flow: Flow, consent: ConsentId, status: Status) -> None:
    with flow.ledger.engine.begin() as connection:
        changed = update(table).where(table.c.consent_id == consent).values(status=status)
        connection.execute(changed)


@pytest.mark.parametrize("status", Status)
def test_every_state_looks_like_one_of_few_from_outside(flow: Flow, status: Status) -> None:
    consent = flow.given().record.consent
    brought_to(flow, consent, status)
    (found,) = seen(flow, consent)
    assert found.standing is SEEN[status]
    in_force = status in {Status.ACTIVE, Status.SUSPENDED}
    assert (found.version, found.not_after) == (
        (1, NOW + timedelta(days=90)) if in_force else (None, None)
    )


def test_nobody_learns_whether_somebody_refused_or_kept_silent(flow: Flow) -> None:
    consent = flow.open(flow.person()).id
    told = []
    for status in (Status.REFUSED, Status.LAPSED, Status.CANCELLED):
        brought_to(flow, consent, status)
        told += seen(flow, consent)
    assert len(set(told)) == 1


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_request_is_over_at_its_end(flow: Flow, status: Status) -> None:
    consent = flow.open(flow.person()).id
    brought_to(flow, consent, status)
    almost = NOW + OPEN_FOR - timedelta(microseconds=1)
    assert seen(flow, consent, now=almost)[0].standing is Standing.OPEN
    assert seen(flow, consent, now=NOW + OPEN_FOR)[0].standing is Standing.NOT_GIVEN


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.SUSPENDED])
def test_a_consent_is_over_at_its_end(flow: Flow, status: Status) -> None:
    consent = flow.given().record.consent
    brought_to(flow, consent, status)
    assert seen(flow, consent, now=NOW + timedelta(days=90))[0].standing is Standing.ENDED


def test_what_has_no_end_is_not_in_force(flow: Flow) -> None:
    consent = flow.given().record.consent
    with flow.ledger.engine.begin() as connection:
        connection.execute(update(table).values(not_after=None))
    assert seen(flow, consent)[0].standing is Standing.ENDED


def test_another_client_and_another_source_learn_nothing(flow: Flow) -> None:
    consent = flow.given().record.consent
    other = Flow(flow.ledger, client_id="debt-counsel-2").client
    assert metadata()["client_id"] != other.id
    assert seen(flow, consent, client=other)[0].standing is Standing.UNKNOWN
    assert seen(flow, consent, client=other, keeps=("studies",))[0].standing is Standing.UNKNOWN
    assert seen(flow, consent, client=other, keeps=("income",))[0].standing is Standing.ACTIVE


def test_a_source_learns_nothing_of_what_was_not_given(flow: Flow) -> None:
    consent = flow.open(flow.person()).id
    other = Flow(flow.ledger, client_id="debt-counsel-2").client
    assert seen(flow, consent, client=other, keeps=("income",))[0].standing is Standing.UNKNOWN


def test_a_request_is_followed_by_the_reference_of_its_address(flow: Flow) -> None:
    request_uri = flow.push()
    known = reference(request_uri)
    assert known == reference(request_uri.removeprefix("urn:ietf:params:oauth:request_uri:"))
    assert known.version == 4
    assert seen(flow, known)[0].standing is Standing.UNKNOWN


@pytest.mark.parametrize("many", [0, 1, 2, 10, 11, 100, 101, 1_000, 1_001, 2_050])
def test_any_number_is_answered_in_its_order(flow: Flow, many: int) -> None:
    consent = flow.given().record.consent
    asked = [ConsentId(uuid4()) for _ in range(many)] + [consent]
    found = seen(flow, *asked)
    assert [each.reference for each in found] == asked
    assert [each.standing for each in found[:-1]] == [Standing.UNKNOWN] * many
    assert found[-1].standing is Standing.ACTIVE

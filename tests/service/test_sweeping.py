"""What the way in remembered goes when its time is over, and not before."""

from datetime import timedelta

import pytest
from sqlalchemy import Table, func, insert, select

from audit.model import SYSTEM, Actor, Event, Kind
from audit.reader import search
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.notice import Notice, Told
from consent.notices import KEPT as NOTICES_KEPT
from consent.notices import tell
from policies.ids import ClientId, new_uuid
from policies.vocabulary import Language, LevelOfAssurance
from service import forms
from service.idempotency import KEPT_FOR, Claimed
from service.model import SignInFlow
from service.signin import LIFETIME
from service.store import sign_ins, tables
from service.store.sweeping import BATCH
from service.sweeping import SESSION_KEPT, SweepingJob
from tests.service.test_sessions import LIMITS, NOW, begun, person

SECOND = timedelta(seconds=1)


@pytest.fixture
def job(ledger: Ledger) -> SweepingJob:
    return SweepingJob(ledger)


def rows(ledger: Ledger, table: Table) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def swept(ledger: Ledger) -> list[str | None]:
    """What the events of the sweeps counted, newest first."""
    with ledger.read() as connection:
        found = search(connection, ledger, kind=Kind.ROWS_SWEPT)
    assert all(each.subject is None for each in found)
    return [each.get("reference") for each in found]


def sign_in(ledger: Ledger) -> None:
    flow = SignInFlow(
        browser_hash=bytes(32),
        nonce="nonce",
        verifier="verifier",
        loa=LevelOfAssurance.HIGH,
        language=Language.EN,
        return_to="",
        ends_at=NOW + LIFETIME,
    )
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        event_id = uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
        sign_ins.add(uow.connection, bytes(32), flow, event_id)


def used(ledger: Ledger) -> None:
    session, _ = begun(ledger, person())
    form = forms.open_form(session, forms.form_id(session, use="x", now=NOW), use="x", now=NOW)

    def act(uow: UnitOfWork) -> str:
        uow.record(Event(kind=Kind.CONSENT_WITHDRAWN))
        return "/en/done"

    forms.once(ledger, form, NOW, act)


def kept(ledger: Ledger) -> None:
    """A key of a request that had its effect."""
    client = ClientId("client-1")
    with begin(ledger, actor=Actor.client(client), now=NOW) as uow:
        event_id = uow.record(Event(kind=Kind.DATA_DEPOSITED))
        Claimed(client, bytes(32), bytes(32), None).keep(uow, event_id)


@pytest.mark.parametrize(
    ("table", "lasts"),
    [
        (tables.sign_in, LIFETIME),
        (tables.session, LIMITS.absolute + SESSION_KEPT),
        (tables.used_form, forms.LIFETIME),
        (tables.idempotency_key, KEPT_FOR),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_a_row_goes_when_its_time_is_over(
    ledger: Ledger, job: SweepingJob, table: Table, lasts: timedelta
) -> None:
    sign_in(ledger)
    used(ledger)
    kept(ledger)
    job.run_once(NOW + lasts - SECOND)
    assert rows(ledger, table) == 1
    assert job.run_once(NOW + lasts)
    assert rows(ledger, table) == 0


def test_what_went_is_an_event_that_counts_and_names_nobody(
    ledger: Ledger, job: SweepingJob
) -> None:
    sign_in(ledger)
    used(ledger)
    assert job.run_once(NOW + timedelta(days=30)) == 3
    assert swept(ledger) == ["sessions=1 sign-ins=1 used-forms=1"]


def test_with_nothing_to_delete_there_is_no_event(ledger: Ledger, job: SweepingJob) -> None:
    sign_in(ledger)
    assert job.run_once(NOW) == 0
    assert swept(ledger) == []


def test_many_rows_go_in_batches(ledger: Ledger, job: SweepingJob) -> None:
    row = {"session_id": new_uuid(), "outcome": "/", "used_at": NOW}
    many = [row | {"form_hash": n.to_bytes(32, "big")} for n in range(BATCH + 1)]
    with ledger.engine.begin() as connection:
        connection.execute(insert(tables.used_form), many)
    assert job.run_once(NOW + timedelta(days=1)) == BATCH + 1
    assert swept(ledger) == ["used-forms=1", f"used-forms={BATCH}"]


def test_a_used_form_is_refused_for_its_age_once_its_row_is_gone(
    ledger: Ledger, job: SweepingJob
) -> None:
    """Else it would have its effect a second time."""
    session, _ = begun(ledger, person())
    form = forms.form_id(session, use="x", now=NOW)
    at = NOW + forms.LIFETIME
    job.run_once(at)
    with pytest.raises(forms.FormError, match="too-old"):
        forms.open_form(session, form, use="x", now=at)


def test_a_notice_that_no_client_has_read_goes_when_none_can_any_more(
    ledger: Ledger, job: SweepingJob
) -> None:
    """It may name somebody who is erased."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        event_id = uow.record(Event(kind=Kind.RECIPIENT_TOLD))
        notice = Notice(
            client=ClientId("client-1"),
            what=Told.ERASED,
            person=person(),
            attributes=(),
            at=NOW,
            about=event_id,
            subject="s" * 22,
        )
        tell(uow, notice, event_id)
    assert job.run_once(NOW + NOTICES_KEPT) == 0
    assert job.run_once(NOW + NOTICES_KEPT + SECOND) == 1
    assert swept(ledger) == ["notices=1"]

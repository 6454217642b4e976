"""One-time forms: bound to session and use, and with one effect however often they are sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from audit.model import Event, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, UnitOfWork
from service.forms import LIFETIME, Form, FormError, form_id, once, open_form
from service.model import Session
from tests.service.test_sessions import NOW, begun, person

USE = "withdraw/1"


@pytest.fixture
def session(ledger: Ledger) -> Session:
    return begun(ledger, person())[0]


def opened(session: Session, shown: str = "") -> Form:
    text = form_id(session, use=USE, now=NOW, shown=shown)
    return open_form(session, text, use=USE, now=NOW)


def act(uow: UnitOfWork, session: Session, outcome: str = "/en/done") -> str:
    uow.record(Event(kind=Kind.CONSENT_WITHDRAWN, subject=session.person))
    return outcome


def effects(ledger: Ledger, session: Session) -> int:
    with ledger.read() as connection:
        entries = entries_about(connection, ledger, session.person)
    return sum(each.kind is Kind.CONSENT_WITHDRAWN for each in entries)


def test_a_form_brings_back_what_the_page_put_into_it(session: Session) -> None:
    form = opened(session, shown="digest:versions")
    assert form.shown == "digest:versions"
    assert form.given_at == NOW
    assert "digest" not in repr(form)


def test_two_forms_of_one_page_differ(session: Session) -> None:
    assert opened(session).hash != opened(session).hash


def test_the_second_time_a_form_shows_what_the_first_time_did(
    ledger: Ledger, session: Session
) -> None:
    form = opened(session)
    first = once(ledger, form, NOW, lambda uow: act(uow, session, "/en/first"))
    second = once(ledger, form, NOW, lambda uow: act(uow, session, "/en/second"))
    assert (first, second) == ("/en/first", "/en/first")
    assert effects(ledger, session) == 1


def test_a_form_sent_four_times_at_once_has_one_effect(ledger: Ledger, session: Session) -> None:
    form = opened(session)
    with ThreadPoolExecutor(4) as pool:
        outcomes = set(
            pool.map(
                lambda n: once(ledger, form, NOW, lambda uow: act(uow, session, f"/en/{n}")),
                range(4),
            )
        )
    assert len(outcomes) == 1
    assert effects(ledger, session) == 1


def test_a_form_whose_effect_failed_can_be_sent_again(ledger: Ledger, session: Session) -> None:
    form = opened(session)

    def fail(uow: UnitOfWork) -> str:
        act(uow, session)
        raise LookupError

    with pytest.raises(LookupError):
        once(ledger, form, NOW, fail)
    assert effects(ledger, session) == 0
    assert once(ledger, form, NOW, lambda uow: act(uow, session)) == "/en/done"
    assert effects(ledger, session) == 1


def test_a_form_for_what_is_so_already_changes_nothing(ledger: Ledger, session: Session) -> None:
    assert once(ledger, opened(session), NOW, lambda _uow: "/en/so-already") == "/en/so-already"


@pytest.mark.parametrize("text", ["", ".", "a.b.c", "ä.ö", "AAAA", "AAAA.AAAA", "!!.!!"])
def test_what_is_no_form_is_refused(session: Session, text: str) -> None:
    with pytest.raises(FormError):
        open_form(session, text, use=USE, now=NOW)


def test_a_form_is_good_for_its_own_use_only(session: Session) -> None:
    text = form_id(session, use=USE, now=NOW)
    with pytest.raises(FormError, match="not-of-this-session"):
        open_form(session, text, use="withdraw/2", now=NOW)


def test_a_form_of_another_session_is_refused(ledger: Ledger, session: Session) -> None:
    other = begun(ledger, session.person)[0]
    text = form_id(other, use=USE, now=NOW)
    with pytest.raises(FormError, match="not-of-this-session"):
        open_form(session, text, use=USE, now=NOW)


def test_a_form_ends(session: Session) -> None:
    text = form_id(session, use=USE, now=NOW)
    open_form(session, text, use=USE, now=NOW + LIFETIME - timedelta(seconds=1))
    with pytest.raises(FormError, match="too-old"):
        open_form(session, text, use=USE, now=NOW + LIFETIME)


def test_a_changed_character_anywhere_is_found(session: Session) -> None:
    text = form_id(session, use=USE, now=NOW, shown="x")
    body = text.index(".")
    for place in [*range(0, body, 7), *range(body + 1, len(text) - 1, 7)]:
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(FormError):
            open_form(session, changed, use=USE, now=NOW)

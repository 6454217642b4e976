"""Sessions: found by their cookie, ended by disuse and in any case, new at each sign-in."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId, SessionId, new_uuid
from policies.vocabulary import Language, LevelOfAssurance, Role
from service.model import Limits, Session
from service.roles import grant_role, roles_of
from service.sessions import (
    Cookie,
    SignedIn,
    end,
    find,
    hash_token,
    keep_or_end,
    sessions_of,
    start,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LIMITS = Limits(idle=timedelta(minutes=30), absolute=timedelta(hours=8))
SECOND = timedelta(seconds=1)


def person() -> PersonId:
    return PersonId(new_uuid())


def begun(ledger: Ledger, who: PersonId, now: datetime = NOW) -> tuple[Session, str]:
    signed_in = SignedIn(
        person=who,
        loa=LevelOfAssurance.SUBSTANTIAL,
        auth_time=now,
        language=Language.SV,
        browser_hash=b"b" * 32,
    )
    with begin(ledger, actor=SYSTEM, now=now) as uow:
        return start(uow, signed_in, LIMITS)


def found(ledger: Ledger, token: str) -> Session | None:
    with ledger.read() as connection:
        return find(connection, token)


def events(ledger: Ledger, who: PersonId) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, who)


def test_a_session_is_found_by_its_cookie_and_by_nothing_else(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    assert found(ledger, token) == session
    assert found(ledger, token + "x") is None
    assert found(ledger, hash_token(token).hex()) is None


def test_neither_repr_nor_event_tells_what_opens_a_session(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    told = repr(session) + str([each.fields for each in events(ledger, session.person)])
    assert token not in told
    assert repr(session.form_key) not in told


def test_the_start_is_an_event_about_the_person_that_names_the_session(ledger: Ledger) -> None:
    session, _ = begun(ledger, person())
    entry = events(ledger, session.person)[0]
    assert entry.kind is Kind.SIGNED_IN
    assert entry.get("reference") == str(session.id)


def test_a_cookie_value_is_new_each_time(ledger: Ledger) -> None:
    who = person()
    assert begun(ledger, who)[1] != begun(ledger, who)[1]


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (timedelta(0), None),
        (timedelta(minutes=30) - SECOND, None),
        (timedelta(minutes=30), "idle-end"),
        (timedelta(hours=8), "absolute-end"),
        (timedelta(hours=9), "absolute-end"),
    ],
)
def test_a_session_is_over_after_disuse_and_after_its_longest(
    ledger: Ledger, after: timedelta, reason: str | None
) -> None:
    session, _ = begun(ledger, person())
    assert session.end_reason(NOW + after, LIMITS) == reason


def test_a_session_in_use_ends_after_its_longest_all_the_same(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    moment = NOW
    while moment < NOW + LIMITS.absolute:
        kept = keep_or_end(ledger, session, now=moment, limits=LIMITS)
        assert kept is not None
        session, moment = kept, moment + timedelta(minutes=20)
    assert keep_or_end(ledger, session, now=moment, limits=LIMITS) is None
    assert found(ledger, token) is None


def test_the_end_by_disuse_is_an_event_and_happens_once(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    later = NOW + timedelta(hours=1)
    assert keep_or_end(ledger, session, now=later, limits=LIMITS) is None
    assert found(ledger, token) is None
    entry = events(ledger, session.person)[0]
    assert (entry.kind, entry.get("reason")) == (Kind.SIGNED_OUT, "idle-end")


def test_use_is_noted_at_intervals_and_not_at_each_page(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(minutes=6)
    assert keep_or_end(ledger, session, now=soon, limits=LIMITS) == session
    assert len(events(ledger, session.person)) == 1
    noted = keep_or_end(ledger, session, now=later, limits=LIMITS)
    assert noted is not None
    assert noted.seen_at == later
    stored = found(ledger, token)
    assert stored is not None
    assert stored.seen_at == later
    assert events(ledger, session.person)[0].kind is Kind.SESSION_CONTINUED


def test_two_pages_at_once_note_the_use_once(ledger: Ledger) -> None:
    session, _ = begun(ledger, person())
    later = NOW + timedelta(minutes=6)
    for _ in range(2):
        assert keep_or_end(ledger, session, now=later, limits=LIMITS) is not None
    kinds = [each.kind for each in events(ledger, session.person)]
    assert kinds.count(Kind.SESSION_CONTINUED) == 1


def test_an_ended_session_is_not_found_and_cannot_end_again(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    for first in (True, False):
        with begin(ledger, actor=Actor.person(session.person), now=NOW) as uow:
            assert end(uow, session.id, person=session.person, reason="signed-out") is first
    assert found(ledger, token) is None


def test_nobody_can_end_the_session_of_somebody_else(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    stranger = person()
    with begin(ledger, actor=Actor.person(stranger), now=NOW) as uow:
        assert not end(uow, session.id, person=stranger, reason="signed-out")
        assert not end(uow, SessionId(new_uuid()), person=session.person, reason="signed-out")
    assert found(ledger, token) is not None


def test_the_list_holds_the_living_sessions_of_one_person_newest_first(ledger: Ledger) -> None:
    who = person()
    old, _ = begun(ledger, who, NOW - timedelta(hours=1))
    first, _ = begun(ledger, who, NOW - timedelta(minutes=10))
    second, _ = begun(ledger, who, NOW)
    begun(ledger, person())
    with ledger.read() as connection:
        listed = [each.id for each in sessions_of(connection, who, now=NOW, limits=LIMITS)]
    assert listed == [second.id, first.id]
    assert old.id not in listed


def test_roles_are_read_anew_and_granted_once_with_an_event(ledger: Ledger) -> None:
    session, token = begun(ledger, person())
    assert session.roles == {Role.CITIZEN}
    for first in (True, False):
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            assert grant_role(uow, session.person, Role.AUDITOR) is first
    again = found(ledger, token)
    assert again is not None
    assert again.roles == {Role.CITIZEN, Role.AUDITOR}
    kinds = [each.kind for each in events(ledger, session.person)]
    assert kinds.count(Kind.ROLE_GRANTED) == 1
    with ledger.read() as connection:
        assert roles_of(connection, person()) == {Role.CITIZEN}


@pytest.mark.parametrize(
    ("base_url", "name", "secure"),
    [
        ("https://vault.example.fi", "__Host-session", True),
        ("http://127.0.0.1:8460", "session", False),
    ],
)
def test_the_cookie_is_tied_to_the_host_wherever_there_is_https(
    base_url: str, name: str, secure: bool
) -> None:
    assert Cookie.for_base_url(base_url) == Cookie(name, secure)

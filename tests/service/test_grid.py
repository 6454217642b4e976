"""Thirteen states × twenty-seven events, each cell through the doors that people, programs,
operators and jobs have: what is legal leads where the table says, all else changes nothing.

`tests/vectors/consent-state-machine.json` is the table that was agreed on before there was any
code. Where nobody has a door yet, since nobody can act for another here, the room's own function
stands for it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.cancelling import cancel_request
from consent.changes import Answer, change
from consent.decisions import Permit, decide_fetch
from consent.ending import end_by_death
from consent.grants import Grant, TokenAccess
from consent.lifecycle import IllegalTransitionError, Party
from consent.model import OPEN, Command, Consent, Status
from consent.purposes import purpose, purpose_version, register_purpose
from consent.pushed import PushedRequest, open_request, push
from consent.reading import consent
from consent.record import Presentation
from consent.store import tables
from consent.tokens import CodeNotIssuedError, access, issue_code, redeem_code
from policies.ids import ConsentId, PersonId, PurposeId, SessionId, new_uuid
from policies.text import Text
from policies.vocabulary import Language, Role
from service.citizen.facts import versions_digest
from service.forms import form_id
from service.jobs import ExpiryJob
from service.model import Session
from service.sessions import find
from tests.consent.flow import JKT, REDIRECT, VERIFIER, challenge, events
from tests.service.house import VILLE, House
from vault.holdings import describe
from vault.release import release

_SPEC: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "consent-state-machine.json").read_text()
)
_CELLS = {(each["state"], each["event"]): each["result"] for each in _SPEC["cells"]}
_EVENTS = sorted({event for _, event in _CELLS})
_PURPOSE = PurposeId("debt-advice")
_SOON, _LATE = timedelta(hours=1), timedelta(days=20)
_LAST = ("notice_changed_editorial", "notice_changed_material", "time_out", "reach_end")
"""They reach beyond one consent, so they come when the others are through."""
_CHECK = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_REFUSED = 409


def _code(number: int) -> str:
    """An artificial identity code, one for each person of the test."""
    born, individual = "010170", f"{900 + number}"
    return f"{born}-{individual}{_CHECK[int(born + individual) % 31]}"


@dataclass
class Case:
    """One person with one request, and everything that can be done about it."""

    grid: "Grid"
    person: PersonId
    browser: TestClient
    uri: str
    id: ConsentId
    token: TokenAccess | None = None

    @property
    def house(self) -> House:
        return self.grid.house

    @property
    def now(self) -> Consent:
        with self.house.runtime.ledger.read() as connection:
            found = consent(connection, self.id)
        assert found is not None
        return found

    @cached_property
    def session(self) -> Session:
        runtime = self.house.runtime
        with runtime.ledger.read() as connection:
            found = find(connection, self.browser.cookies["__Host-session"])
        assert found is not None
        return found

    def form(self, use: str, shown: str = "") -> dict[str, str]:
        now = self.house.clock()
        return {"form": form_id(self.session, use=use, now=now, shown=shown)}

    def post(self, path: str, use: str, shown: str = "", **fields: str) -> int:
        data = {**self.form(use, shown), **fields}
        return self.browser.post(f"/en/{path}", data=data).status_code

    def act(self, what: str, **fields: str) -> int:
        return self.post(f"consents/{self.id}/{what}", f"{what}/{self.id}", **fields)

    def shown(self) -> str:
        with self.house.runtime.ledger.read() as connection:
            held = describe(connection, self.person)
            notice = purpose_version(connection, self.now.purpose, self.now.purpose_version)
        assert notice is not None
        return f"{'a' * 64}:{versions_digest(held, self.now.requested)}:{notice.digest()}"

    def answer(self, decision: str, **fields: str) -> int:
        use = f"request/{self.id}"
        return self.post(f"requests/{self.id}", use, self.shown(), decision=decision, **fields)

    def order(self, command: str, party: str, ground: str) -> int:
        desk = self.grid.operator
        with self.house.runtime.ledger.read() as connection:
            session = find(connection, desk.cookies["__Host-session"])
        assert session is not None
        form = form_id(session, use=f"{command}/{self.id}", now=self.house.clock())
        data = {"form": form, "command": command, "party": party, "ground": ground}
        return desk.post(f"/en/operator/consents/{self.id}", data=data).status_code

    def fetch(self) -> int:
        """What its program gets: data, a refusal, or no code at all where nothing was given."""
        runtime, client = self.house.runtime, self.grid.client
        if self.token is None:
            try:
                with begin(
                    runtime.ledger, actor=Actor.person(self.person), now=runtime.now()
                ) as uow:
                    issue_code(uow, self.id, person=self.person)
            except CodeNotIssuedError:
                return _REFUSED
            return 200
        with begin(runtime.ledger, actor=Actor.client(client.id), now=runtime.now()) as uow:
            decided = decide_fetch(uow, self.token, self.token.attributes)
            if not isinstance(decided, Permit):
                return 403
            release(uow, runtime.vault, decided)
        return 200

    def cancel(self) -> int:
        runtime, client = self.house.runtime, self.grid.client
        try:
            with begin(runtime.ledger, actor=Actor.client(client.id), now=runtime.now()) as uow:
                cancel_request(uow, client, self.uri)
        except IllegalTransitionError:
            return _REFUSED
        return 200

    def inside(self, command: Command, party: Party) -> int:
        """What has no door: the room's own function."""
        ledger, now = self.house.runtime.ledger, self.house.clock()
        try:
            with begin(ledger, actor=SYSTEM, now=now) as uow:
                declaration = self.house.runtime.catalogue.purpose(_PURPOSE)
                presentation = Presentation(
                    notice_digest=declaration.digest(),
                    presentation_digest="a" * 64,
                    language=Language.EN,
                    shown_at=now,
                    session=SessionId(new_uuid()),
                )
                standing = self.now
                given = replace(
                    standing,
                    granted=standing.requested,
                    not_before=now,
                    not_after=now + _LATE,
                )
                answer = Answer(given, declaration, self.grid.client.party, presentation)
                gives = command in {Command.GIVE_FIRST_OF_MANY, Command.GIVE_LAST_OF_MANY}
                change(uow, standing, command, party=party, answer=answer if gives else None)
        except IllegalTransitionError:
            return _REFUSED
        return 200

    def with_token(self) -> "Case":
        runtime, client = self.house.runtime, self.grid.client
        with begin(runtime.ledger, actor=Actor.client(client.id), now=runtime.now()) as uow:
            code = issue_code(uow, self.id, person=self.person).code
            grant = redeem_code(
                uow, code, client=client, code_verifier=VERIFIER, redirect_uri=REDIRECT, jkt=JKT
            )
            assert isinstance(grant, Grant)
            self.token = access(uow.connection, grant.access_token)
        return self

    def given_by(self, party: Party) -> None:
        """As if somebody had answered for the person, who is of age now."""
        with self.house.runtime.ledger.engine.begin() as connection:
            connection.execute(
                update(tables.consent)
                .where(tables.consent.c.consent_id == self.id)
                .values(given_by=party, control_passes_at=self.house.clock())
            )


@dataclass
class Grid:
    """The service with people, one client and one operator."""

    house: House
    people: Iterator[int] = field(default_factory=lambda: iter(range(1, 99)))

    @property
    def client(self) -> Any:
        return self.house.clients[_PURPOSE]

    @cached_property
    def operator(self) -> TestClient:
        return self.house.signed_in(VILLE, role=Role.OPERATOR)

    def asked(self, *, ends: timedelta = _LATE, uses: int | None = None) -> Case:
        """A new person with a request that waits."""
        code = _code(next(self.people))
        person = self.house.person(code)
        browser = self.house.signed_in(code)
        uri = self.pushed(person, ends=ends, uses=uses)
        ledger, now = self.house.runtime.ledger, self.house.clock()
        with begin(ledger, actor=Actor.person(person), now=now) as uow:
            opened = open_request(uow, uri, person, SessionId(new_uuid()))
        return Case(self, person, browser, uri, opened.id)

    def pushed(self, person: PersonId, *, ends: timedelta, uses: int | None = None) -> str:
        del person
        now = self.house.clock()
        declaration = self.house.runtime.catalogue.purpose(_PURPOSE)
        parameters = PushedRequest(
            client=self.client.id,
            redirect_uri=self.client.redirect_uris[0],
            state=None,
            nonce=None,
            code_challenge=challenge(),
            dpop_jkt=None,
            details=AuthorizationDetails(
                purpose=_PURPOSE,
                attributes=tuple(each.id for each in declaration.attributes),
                not_after=now + ends,
                uses=uses,
            ),
        )
        with begin(self.house.runtime.ledger, actor=Actor.client(self.client.id), now=now) as uow:
            return push(uow, self.client, parameters)

    def job(self, after: timedelta) -> int:
        return ExpiryJob(self.house.runtime.ledger).run_once(self.house.clock() + after)


def _given(grid: Grid, **request: Any) -> Case:
    case = grid.asked(**request)
    status = case.answer("give", attribute="income.yearly_total")
    assert status == 303
    return case.with_token()


def _after(case: Case, act: Callable[[Case], object]) -> Case:
    act(case)
    return case


_STATES: dict[Status, Callable[[Grid], Case]] = {
    Status.REQUESTED: lambda grid: grid.asked(),
    Status.DEFERRED: lambda grid: _after(grid.asked(), lambda c: c.answer("later")),
    Status.PENDING_JOINT: lambda grid: _after(
        grid.asked(), lambda c: c.inside(Command.GIVE_FIRST_OF_MANY, Party.GUARDIAN)
    ),
    Status.ACTIVE: _given,
    Status.SUSPENDED: lambda grid: _after(_given(grid), lambda c: c.act("pause")),
    Status.REFUSED: lambda grid: _after(grid.asked(), lambda c: c.answer("refuse")),
    Status.LAPSED: lambda grid: _after(grid.asked(ends=_SOON), lambda _: grid.job(2 * _SOON)),
    Status.CANCELLED: lambda grid: _after(grid.asked(), Case.cancel),
    Status.EXPIRED: lambda grid: _after(_given(grid, ends=_SOON), lambda _: grid.job(2 * _SOON)),
    Status.WITHDRAWN: lambda grid: _after(_given(grid), lambda c: c.act("withdraw")),
    Status.REVOKED: lambda grid: _after(
        _given(grid), lambda c: c.order("revoke", "court", "court-order")
    ),
    Status.INVALIDATED: lambda grid: _after(
        _given(grid), lambda c: c.order("invalidate", "system", "fraud")
    ),
    Status.SUPERSEDED: lambda grid: _after(_given(grid), lambda c: _another(c)),
}


def _another(case: Case) -> int:
    """The person gives again, for the same purpose."""
    uri = case.grid.pushed(case.person, ends=_LATE)
    ledger, now = case.house.runtime.ledger, case.house.clock()
    with begin(ledger, actor=Actor.person(case.person), now=now) as uow:
        other = open_request(uow, uri, case.person, SessionId(new_uuid()))
    return Case(case.grid, case.person, case.browser, uri, other.id).answer("give")


def _new_notice(case: Case, *, editorial: bool) -> int:
    runtime = case.house.runtime
    with runtime.ledger.read() as connection:
        old = purpose(connection, _PURPOSE)
    assert old is not None
    number = old.version + 1
    words = Text(fi=f"Sanat {number}.", sv=f"Ord {number}.", en=f"Words {number}.")
    new = replace(old, version=number, purpose=words)
    with begin(runtime.ledger, actor=SYSTEM, now=case.house.clock()) as uow:
        register_purpose(uow, new, runtime.catalogue, editorial=editorial)
    return case.grid.job(timedelta())


def _died(case: Case) -> int:
    with begin(case.house.runtime.ledger, actor=SYSTEM, now=case.house.clock()) as uow:
        return len(end_by_death(uow, case.person, reference="VTJ/1"))


def _of_age(case: Case) -> int:
    case.given_by(Party.GUARDIAN)
    return case.grid.job(timedelta())


def _mandate_ended(case: Case) -> int:
    case.given_by(Party.MANDATE_HOLDER)
    return case.inside(Command.MANDATE_ENDED, Party.REGISTRY)


def _renew(case: Case) -> int:
    return case.act("renew", shown=case.shown(), decision="renew")


def _until(case: Case, moment: datetime | None) -> int:
    ends = moment or case.house.clock()
    return case.grid.job(ends - case.house.clock())


_DOORS: dict[str, Callable[[Case], int]] = {
    "cancel_request": Case.cancel,
    "defer": lambda c: c.answer("later"),
    "give": lambda c: c.answer("give"),
    "give_first_of_many": lambda c: c.inside(Command.GIVE_FIRST_OF_MANY, Party.GUARDIAN),
    "give_last_of_many": lambda c: c.inside(Command.GIVE_LAST_OF_MANY, Party.GUARDIAN),
    "give_without_notice": lambda c: (
        c.browser.post(f"/en/requests/{c.id}", data={"decision": "give"}).status_code
    ),
    "invalidate": lambda c: c.order("invalidate", "controller", "notice-defect"),
    "mandate_ended": _mandate_ended,
    "narrow": lambda c: c.act("narrow", attribute="income.yearly_total"),
    "notice_changed_editorial": lambda c: _new_notice(c, editorial=True),
    "notice_changed_material": lambda c: _new_notice(c, editorial=False),
    "reach_end": lambda c: _until(c, None if c.now.status in OPEN else c.now.not_after),
    "reactivate": lambda c: _renew(c) if c.now.status is Status.SUSPENDED else c.act("resume"),
    "refuse": lambda c: c.answer("refuse"),
    "renew": _renew,
    "reopen": lambda c: c.answer("back"),
    "replace": _another,
    "resume": lambda c: c.act("resume"),
    "revoke": lambda c: c.order("revoke", "supervisor", "authority-order"),
    "subject_died": _died,
    "subject_reached_age": _of_age,
    "suspend": lambda c: c.act("pause"),
    "time_out": lambda c: _until(c, c.now.expires_at),
    "use": Case.fetch,
    "use_last": Case.fetch,
    "use_when_suspended": Case.fetch,
    "withdraw": lambda c: c.act("withdraw"),
}
_ASKED = frozenset(_DOORS) - {
    "notice_changed_editorial",
    "notice_changed_material",
    "reach_end",
    "replace",
    "subject_died",
    "subject_reached_age",
    "time_out",
}
"""Events that somebody asks for, and so gets an answer; the others come by themselves."""
_USES = {"use", "use_last", "use_when_suspended"}
_KINDS = [each for each in Kind if each.startswith("consent.")]


def _consent_events(house: House, consent_id: ConsentId) -> int:
    ledger = house.runtime.ledger
    return sum(
        (each.get("consent") or "").startswith(str(consent_id))
        for kind in _KINDS
        for each in events(ledger, kind)
    )


def test_every_event_of_the_table_has_a_door() -> None:
    assert set(_DOORS) == set(_EVENTS)
    assert len(_CELLS) == 13 * 27


@pytest.mark.parametrize("state", Status)
def test_every_event_in_this_state(house: House, state: Status) -> None:
    grid = Grid(house)
    standing = _STATES[state](grid)
    assert standing.now.status is state
    for event in (*(each for each in _EVENTS if each not in _LAST), *_LAST):
        result = _CELLS[state.value, event]
        if result == "REJECT":
            # What is active is used when it is not suspended; here it is, so that it might be.
            first = Status.SUSPENDED if event == "use_when_suspended" else state
            fresh = event in _LAST or (state is Status.ACTIVE and first is not state)
            _changes_nothing(_STATES[first](grid) if fresh else standing, event)
        else:
            _leads_to(_ready(grid, state, event), event, Status(result))


def _ready(grid: Grid, state: Status, event: str) -> Case:
    if event in {"use", "use_last"}:
        return _given(grid, uses=1 if event == "use_last" else 2)
    return _STATES[state](grid)


def _changes_nothing(case: Case, event: str) -> None:
    before, told = case.now, _consent_events(case.house, case.id)
    answered = _DOORS[event](case)
    after = replace(case.now, given_by=before.given_by, control_passes_at=before.control_passes_at)
    assert after == before, event
    assert _consent_events(case.house, case.id) == told, event
    if event in _ASKED:
        assert answered in ({403, _REFUSED} if event in _USES else {_REFUSED}), (event, answered)


def _leads_to(case: Case, event: str, result: Status) -> None:
    told = _consent_events(case.house, case.id)
    if event == "withdraw" and case.now.status is Status.WITHDRAWN:
        before = case.now
        assert _DOORS[event](case) == 303
        assert case.now == before
        return
    answered = _DOORS[event](case)
    assert case.now.status is result, (event, answered)
    if event != "use":
        assert _consent_events(case.house, case.id) > told, event

"""Declarations on their way: drafted, submitted, approved by another, suspended, retired."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from audit.database import open_engine
from audit.model import Actor, Kind
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.asking import purpose_to_ask
from consent.authorization_details import AuthorizationDetailsError
from consent.choices import ChoiceError, give, refuse
from consent.declarations import (
    DeclarationVersionError,
    NoSuchDeclarationError,
    OtherDeclarationError,
    OwnDeclarationError,
    approve,
    declaration,
    declarations,
    declared,
    draft,
    edit,
    resume,
    retire,
    send_back,
    submit,
    suspend,
)
from consent.declared import (
    Act,
    Content,
    DeclarationKind,
    DeclarationStatus,
    DeclarationStepError,
    Declared,
    after,
    possible,
)
from consent.model import Status
from consent.purposes import PurposeVersionError, purpose, register_purpose
from consent.pushed import PushedRequestError, RequestUriError, open_request
from consent.store.guard import ConsentChangedError
from policies.ids import DatasetId, PersonId, PurposeId
from policies.purpose_terms import MinorRule, PurposeTerms
from policies.purposes import DeclarationError
from policies.service_declarations import declared_by_catalogue
from policies.text import Text
from tests.consent.flow import DEBT_ADVICE, NOW, Flow, catalogue, events
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper

ONE, OTHER = PersonId(UUID(int=1)), PersonId(UUID(int=2))
TERMS = PurposeTerms(
    retention_period="P1Y", storage_locations=("FI",), minor_rule=MinorRule.ADULTS_ONLY
)
ADVICE = replace(catalogue().purpose(DEBT_ADVICE), terms=TERMS)
NEWER = replace(ADVICE, version=2, retention=Text(fi="Vuosi.", sv="Ett år.", en="A year."))
INCOME = declared_by_catalogue(catalogue(), catalogue().dataset(DatasetId("income")))
STRICTER = replace(INCOME, version=2, max_validity_days=30)


class Desk:
    """Two operators at work; each step is a unit of work of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def _begin(self, by: PersonId) -> AbstractContextManager[UnitOfWork]:
        return begin(self.ledger, actor=Actor.person(by), now=NOW)

    def draft(self, content: Content, by: PersonId = ONE) -> Declared:
        with self._begin(by) as uow:
            return draft(uow, content, catalogue())

    def at(self, uow: UnitOfWork, of: Declared) -> Declared:
        return declared(uow, of.kind, of.id, of.version, catalogue())

    def submit(self, of: Declared, by: PersonId = ONE) -> Declared:
        with self._begin(by) as uow:
            return submit(uow, self.at(uow, of), catalogue(), by=by)

    def approve(self, of: Declared, by: PersonId = OTHER) -> Declared:
        with self._begin(by) as uow:
            return approve(uow, self.at(uow, of), catalogue(), by=by)

    def in_force(self, content: Content) -> Declared:
        return self.approve(self.submit(self.draft(content)))

    def act(self, of: Declared, act: Act) -> Declared:
        steps: dict[Act, Callable[[UnitOfWork, Declared], Declared]] = {
            Act.EDIT: lambda uow, found: edit(uow, found, found.content),
            Act.SUBMIT: lambda uow, found: submit(uow, found, catalogue(), by=ONE),
            Act.SEND_BACK: send_back,
            Act.APPROVE: lambda uow, found: approve(uow, found, catalogue(), by=OTHER),
            Act.SUSPEND: suspend,
            Act.RESUME: resume,
            Act.RETIRE: retire,
        }
        with self._begin(ONE) as uow:
            return steps[act](uow, self.at(uow, of))


WAYS = {
    DeclarationStatus.DRAFT: (),
    DeclarationStatus.SUBMITTED: (Act.SUBMIT,),
    DeclarationStatus.APPROVED: (Act.SUBMIT, Act.APPROVE),
    DeclarationStatus.SUSPENDED: (Act.SUBMIT, Act.APPROVE, Act.SUSPEND),
    DeclarationStatus.RETIRED: (Act.SUBMIT, Act.APPROVE, Act.RETIRE),
}


@pytest.fixture
def lone_desk(tmp_path: Path) -> Iterator[Desk]:
    """On SQLite, for what does not depend on the database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    create_tables(engine)
    yield Desk(Ledger(engine, MemoryWrapper()))
    engine.dispose()


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


def test_drafted_submitted_and_approved_by_another_it_can_be_asked_for(desk: Desk) -> None:
    made = desk.draft(ADVICE)
    with desk.ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) is None
    desk.submit(made)
    approved = desk.approve(made)
    assert (approved.submitted_by, approved.approved_by) == (ONE, OTHER)
    with desk.ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) == ADVICE
    kinds = [Kind.DECLARATION_DRAFTED, Kind.DECLARATION_SUBMITTED, Kind.DECLARATION_APPROVED]
    for kind in kinds:
        (entry,) = events(desk.ledger, kind)
        assert entry.get("reference") == "purpose:debt-advice@1"
        assert entry.get("digest") == ADVICE.digest()


@pytest.mark.parametrize("status", DeclarationStatus)
@pytest.mark.parametrize("act", Act)
def test_every_act_in_every_status(lone_desk: Desk, status: DeclarationStatus, act: Act) -> None:
    found = lone_desk.draft(ADVICE)
    for step in WAYS[status]:
        found = lone_desk.act(found, step)
    assert found.status is status
    if act in possible(status):
        assert lone_desk.act(found, act).status is after(status, act)
        return
    with pytest.raises(DeclarationStepError) as refused:
        lone_desk.act(found, act)
    assert (refused.value.status, refused.value.act) == (status, act)
    with lone_desk.ledger.read() as connection:
        standing = declaration(connection, found.kind, found.id, 1, catalogue())
    assert standing == found


def test_whoever_submitted_cannot_approve(desk: Desk) -> None:
    made = desk.submit(desk.draft(ADVICE))
    with pytest.raises(OwnDeclarationError):
        desk.approve(made, by=ONE)
    with desk.ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) is None


def test_the_database_itself_refuses_one_operator_for_two(desk: Desk) -> None:
    desk.submit(desk.draft(ADVICE))
    statement = "UPDATE consent_declaration SET status = 'approved', approved_by = submitted_by"
    with desk.ledger.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text(statement))


def test_one_version_counts_at_a_time_and_the_older_is_retired(desk: Desk) -> None:
    first = desk.in_force(ADVICE)
    desk.in_force(NEWER)
    with desk.ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) == NEWER
        found = declaration(connection, first.kind, first.id, 1, catalogue())
    assert found.status is DeclarationStatus.RETIRED
    (entry,) = events(desk.ledger, Kind.DECLARATION_RETIRED)
    assert entry.get("reason") == "replaced-by-newer"


def stopped(ledger: Ledger, act: Act) -> None:
    """What counts for debt advice counts no more."""
    desk = Desk(ledger)
    with ledger.read() as connection:
        found = declaration(connection, DeclarationKind.PURPOSE, DEBT_ADVICE, 1, catalogue())
    desk.act(found, act)


STOPS = {Act.SUSPEND: "suspended", Act.RETIRE: "retired"}


@pytest.mark.parametrize("act", STOPS)
def test_what_is_stopped_cannot_be_asked_for(ledger: Ledger, act: Act) -> None:
    flow = Flow(ledger)
    request_uri = flow.push()
    stopped(ledger, act)
    with ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) is None
        with pytest.raises(AuthorizationDetailsError) as refused:
            purpose_to_ask(connection, DEBT_ADVICE, client=flow.client, now=NOW)
    assert (refused.value.member, refused.value.reason) == ("purpose", STOPS[act])
    with pytest.raises(PushedRequestError):
        flow.push()
    person = flow.person()
    with (
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
        pytest.raises(RequestUriError),
    ):
        open_request(uow, request_uri, person, flow.session)


@pytest.mark.parametrize("act", STOPS)
def test_what_is_stopped_cannot_be_given_but_refused(ledger: Ledger, act: Act) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting, choice = flow.open(person), flow.choice(person)
    stopped(ledger, act)
    with (
        pytest.raises(ChoiceError, match="declaration-not-in-force"),
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
    ):
        give(uow, waiting.id, choice)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        assert refuse(uow, waiting.id, choice).status is Status.REFUSED


def test_a_retired_declaration_comes_back_in_a_new_version_only(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.act(desk.in_force(ADVICE), Act.RETIRE)
    with (
        begin(ledger, actor=Actor.person(ONE), now=NOW) as uow,
        pytest.raises(PurposeVersionError),
    ):
        register_purpose(uow, replace(ADVICE, max_uses=4), catalogue())
    desk.in_force(NEWER)
    with ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) == NEWER


@pytest.mark.parametrize("version", [2, 3])
def test_a_version_that_is_not_the_next_is_refused(lone_desk: Desk, version: int) -> None:
    with pytest.raises(DeclarationVersionError) as refused:
        lone_desk.draft(replace(ADVICE, version=version))
    assert refused.value.expected == 1


def test_one_version_is_on_its_way_at_a_time(lone_desk: Desk) -> None:
    lone_desk.draft(ADVICE)
    with pytest.raises(DeclarationVersionError):
        lone_desk.draft(NEWER)


def test_a_draft_is_changed_in_what_it_says_and_not_in_which_it_is(lone_desk: Desk) -> None:
    made = lone_desk.draft(ADVICE)
    with begin(lone_desk.ledger, actor=Actor.person(ONE), now=NOW) as uow:
        changed = edit(uow, lone_desk.at(uow, made), replace(ADVICE, max_uses=4))
    assert changed.digest == replace(ADVICE, max_uses=4).digest()
    with (
        begin(lone_desk.ledger, actor=Actor.person(ONE), now=NOW) as uow,
        pytest.raises(OtherDeclarationError),
    ):
        edit(uow, lone_desk.at(uow, changed), NEWER)


def test_what_may_not_be_shown_cannot_be_submitted(lone_desk: Desk) -> None:
    made = lone_desk.draft(replace(ADVICE, alternative_path=None))
    with pytest.raises(DeclarationError, match="alternative_path"):
        lone_desk.submit(made)


def test_what_the_sources_give_no_more_cannot_be_approved(lone_desk: Desk) -> None:
    made = lone_desk.submit(lone_desk.draft(ADVICE))
    lone_desk.in_force(STRICTER)
    with pytest.raises(DeclarationError, match="max_validity_days"):
        lone_desk.approve(made)


def test_there_is_no_such_version(lone_desk: Desk) -> None:
    with (
        begin(lone_desk.ledger, actor=Actor.person(ONE), now=NOW) as uow,
        pytest.raises(NoSuchDeclarationError),
    ):
        declared(uow, DeclarationKind.PURPOSE, "nothing", 1, catalogue())
    with lone_desk.ledger.read() as connection, pytest.raises(NoSuchDeclarationError):
        declaration(connection, DeclarationKind.SERVICE, "income", 2, catalogue())


def test_two_at_once_change_a_declaration_once(lone_desk: Desk) -> None:
    made = lone_desk.submit(lone_desk.draft(ADVICE))
    with begin(lone_desk.ledger, actor=Actor.person(OTHER), now=NOW) as uow:
        send_back(uow, made)
    with (
        pytest.raises(ConsentChangedError),
        begin(lone_desk.ledger, actor=Actor.person(OTHER), now=NOW) as uow,
    ):
        send_back(uow, made)


def test_data_sets_of_the_catalogue_are_declared_from_the_start(lone_desk: Desk) -> None:
    with lone_desk.ledger.read() as connection:
        found = declarations(connection, DeclarationKind.SERVICE, catalogue())
        one = declaration(connection, DeclarationKind.SERVICE, "income", 1, catalogue())
    assert [each.id for each in found] == sorted(catalogue().datasets)
    assert {each.status for each in found} == {DeclarationStatus.APPROVED}
    assert (one.content, one.changed_at, one.organisation) == (INCOME, None, "tax-admin")


def test_a_source_becomes_stricter_in_a_new_version(desk: Desk) -> None:
    desk.in_force(STRICTER)
    with desk.ledger.read() as connection:
        found = declarations(connection, DeclarationKind.SERVICE, catalogue())
    income = [(each.version, each.status.value) for each in found if each.id == "income"]
    assert income == [(2, "approved"), (1, "retired")]
    with pytest.raises(DeclarationError, match="max_validity_days"):
        desk.submit(desk.draft(ADVICE))


def test_a_suspended_source_gives_nothing(desk: Desk) -> None:
    with desk.ledger.read() as connection:
        found = declaration(connection, DeclarationKind.SERVICE, "income", 1, catalogue())
    desk.act(found, Act.SUSPEND)
    with pytest.raises(DeclarationError, match="given by no source"):
        desk.submit(desk.draft(ADVICE))


def test_declarations_are_listed_by_id_and_the_newest_first(lone_desk: Desk) -> None:
    other = replace(ADVICE, id=PurposeId("advice-by-phone"))
    lone_desk.in_force(ADVICE)
    lone_desk.draft(NEWER)
    lone_desk.draft(other)
    with lone_desk.ledger.read() as connection:
        found = declarations(connection, DeclarationKind.PURPOSE, catalogue())
    assert [(each.id, each.version, each.status.value) for each in found] == [
        ("advice-by-phone", 1, "draft"),
        ("debt-advice", 2, "draft"),
        ("debt-advice", 1, "approved"),
    ]
    assert found[0].content == other

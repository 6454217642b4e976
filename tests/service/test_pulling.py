"""Asking a register: its answer is kept as a whole, and a stranger is never asked about."""

import json
from dataclasses import dataclass

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import begin
from connectors.demo_data.people import demo_person
from connectors.demo_data.registers import DemoRegister
from connectors.documents import MalformedDocumentError
from connectors.ports import SourceUnavailableError
from connectors.sources import SOURCES
from policies.ids import PersonId, SourceId
from service.pulling import NobodyToAskAboutError, pull
from tests.service.house import Clock
from tests.service.office import PERSON, Office
from vault.holdings import describe
from vault.people import IDENTITY_SCHEME, enrol

MATTI = demo_person("matti").identity_code
INCOMES = SourceId("incomes-register")


@dataclass
class Register:
    """A register that answers what a test wants; satisfies `connectors.ports.DataSource`."""

    answer: bytes | None
    source: SourceId = INCOMES
    asked: int = 0

    def fetch(self, identifier: str) -> bytes | None:  # noqa: ARG002  # part of the port
        self.asked += 1
        return self.answer


@pytest.fixture
def matti(each_office: Office) -> PersonId:
    clock: Clock = each_office.clock
    with begin(each_office.runtime.ledger, actor=SYSTEM, now=clock()) as uow:
        return enrol(uow, each_office.runtime.vault, scheme=IDENTITY_SCHEME, identifier=MATTI)


def sources_of(office: Office, person: PersonId) -> set[str]:
    with office.runtime.ledger.read() as connection:
        return {each.source for each in describe(connection, person)}


def test_every_register_of_the_demo_is_asked_and_kept(each_office: Office, matti: PersonId) -> None:
    events = [
        event
        for source in SOURCES
        for event in pull(each_office.runtime, DemoRegister(source), identity_code=MATTI)
    ]
    assert INCOMES in sources_of(each_office, matti)
    recorded = {e.event_id: e for e in each_office.events(Kind.DATA_DEPOSITED)}
    assert all(recorded[each].subject == matti for each in events)
    assert f"source:{INCOMES}" in {recorded[each].get("actor") for each in events}


def test_a_register_that_knows_nobody_leaves_nothing(each_office: Office, matti: PersonId) -> None:
    before = len(each_office.events(Kind.DATA_DEPOSITED))
    assert pull(each_office.runtime, Register(None), identity_code=MATTI) == []
    assert len(each_office.events(Kind.DATA_DEPOSITED)) == before


def test_nobody_is_asked_about_a_stranger(office: Office) -> None:
    register = Register(None)
    with pytest.raises(NobodyToAskAboutError) as refused:
        pull(office.runtime, register, identity_code=MATTI)
    assert register.asked == 0
    assert MATTI not in repr(refused.value)


@pytest.mark.parametrize("answer", [b"", b"<x/>", b"{}", json.dumps({"a": PERSON}).encode()])
def test_an_answer_that_is_not_whole_is_refused_whole(office: Office, answer: bytes) -> None:
    before = len(office.events(Kind.DATA_DEPOSITED))
    with pytest.raises(MalformedDocumentError):
        pull(office.runtime, Register(answer), identity_code=PERSON)
    assert len(office.events(Kind.DATA_DEPOSITED)) == before


def test_an_answer_about_somebody_else_is_refused(office: Office) -> None:
    answer = DemoRegister(INCOMES).fetch(MATTI)
    with pytest.raises(MalformedDocumentError):
        pull(office.runtime, Register(answer), identity_code=PERSON)


def test_a_register_that_does_not_answer_is_an_error(office: Office) -> None:
    with pytest.raises(SourceUnavailableError) as refused:
        pull(office.runtime, DemoRegister(INCOMES, answers=False), identity_code=PERSON)
    assert PERSON not in repr(refused.value)

"""A source hands in what somebody had erased: refused and told why, until it is allowed again."""

from dataclasses import replace

from audit.model import Actor
from audit.unit_of_work import begin
from policies.ids import DatasetId
from service.exchange import Answer
from tests.service.api.test_deposits import STRANGER, Source, joint, refusals, written
from tests.service.office import Office, content
from vault.erasure import Request, erase_dataset, erase_person
from vault.people import IDENTITY_SCHEME, find_person
from vault.unwanted import allow_again

INCOME = DatasetId("income")
GLUCOSE = DatasetId("glucose")


def erase(office: Office, dataset: DatasetId | None) -> None:
    actor = Actor.person(office.person)
    with begin(office.runtime.ledger, actor=actor, now=office.clock()) as uow:
        if dataset is None:
            erase_person(uow, office.runtime.vault, office.person, Request.by_wish())
        else:
            erase_dataset(uow, office.runtime.vault, office.person, dataset, Request.by_wish())


def refused(answer: Answer) -> object:
    assert answer.status == 422
    return content(answer)["errors"]


def test_what_the_person_wants_no_copy_of_is_refused(each_office: Office) -> None:
    source = Source(each_office)
    erase(each_office, INCOME)
    answer = source.put(written())
    assert refused(answer) == [{"pointer": "#/dataset", "reason": "not-wanted-here"}]
    assert refusals(each_office) == ["not-wanted-here"]
    actor = Actor.person(each_office.person)
    with begin(each_office.runtime.ledger, actor=actor, now=each_office.clock()) as uow:
        assert allow_again(uow, each_office.runtime.vault, each_office.person, INCOME)
    assert source.put(written(), key="second").status == 201


def test_with_what_is_refused_nobody_comes_in(each_office: Office) -> None:
    settings = each_office.runtime.settings.model_copy(update={"deposits_enrol": True})
    runtime = replace(each_office.runtime, settings=settings)
    server = replace(each_office.server, runtime=runtime)
    source = Source(replace(each_office, runtime=runtime, server=server))
    erase(each_office, INCOME)
    answer = source.put(joint(STRANGER))
    assert refused(answer) == [{"pointer": "#/dataset", "reason": "not-wanted-here"}]
    assert refusals(each_office) == ["not-wanted-here"]
    with runtime.ledger.read() as connection:
        scheme = IDENTITY_SCHEME
        found = find_person(connection, runtime.vault, scheme=scheme, identifier=STRANGER)
    assert found is None


def test_another_data_set_is_taken(office: Office) -> None:
    source = Source(office)
    erase(office, GLUCOSE)
    assert source.put(written()).status == 201


def test_a_source_does_not_bring_back_who_was_erased(each_office: Office) -> None:
    source = Source(each_office)
    erase(each_office, None)
    answer = source.put(written())
    assert refused(answer) == [{"pointer": "#/subject/id", "reason": "unknown-person"}]

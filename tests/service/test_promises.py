"""Every answer with a token or with data carries a promise, and the log keeps it."""

import pytest

from audit.disclosure import leaf
from audit.promise import Promise, from_header, open_promise
from audit.proofs import entries_bundle
from audit.reader import entry
from audit.tiles import unpack_entries
from policies.ids import EventId
from service.exchange import Answer
from tests.service.office import Office, content, header


def opened(office: Office, value: object) -> Promise:
    assert isinstance(value, str)
    log = office.runtime.log_signers
    return open_promise(from_header(value), [each.verifier for each in log.base_signers])


def kind_of(office: Office, promise: Promise) -> str | None:
    with office.runtime.ledger.read() as connection:
        found = entry(connection, office.runtime.ledger, EventId(promise.event_id))
    return None if found is None else found.get("kind")


def entries(office: Office) -> list[bytes]:
    """The log as anybody reads it, once everything has its place."""
    while office.runtime.sequencer.run_once(office.clock()) is not None:
        pass
    with office.runtime.ledger.read() as connection:
        size = connection.exec_driver_sql("SELECT count(*) FROM audit_leaf").scalar_one()
        return unpack_entries(entries_bundle(connection, 0, size) or b"")


def test_a_token_comes_with_a_promise_that_the_log_keeps(each_office: Office) -> None:
    promise = opened(each_office, each_office.tokens()["event_promise"])
    assert promise.origin == each_office.runtime.settings.log_origin
    assert promise.at == each_office.clock()
    found = kind_of(each_office, promise)
    assert found == "token.issued"
    assert promise.entry in entries(each_office)


def test_a_token_by_law_comes_with_one(office: Office) -> None:
    promise = opened(office, content(office.by_law())["event_promise"])
    assert kind_of(office, promise) == "token.issued"


def test_data_comes_with_a_promise_of_the_event_that_it_names(each_office: Office) -> None:
    answer = each_office.fetch(each_office.tokens()["access_token"])
    promise = opened(each_office, header(answer, "event-promise"))
    assert str(promise.event_id) == header(answer, "consent-vault-event")
    assert promise.entry in entries(each_office)


@pytest.mark.parametrize("refusal", ["withdrawn", "no such data set"])
def test_a_refusal_comes_with_a_promise_too(office: Office, refusal: str) -> None:
    consent = office.given()
    token = office.tokens(consent)["access_token"]
    if refusal == "withdrawn":
        office.withdraw(consent)
        answer = office.fetch(token)
    else:
        answer = office.fetch(token, "nothing")
    assert answer.status in {403, 404}
    promise = opened(office, header(answer, "event-promise"))
    assert kind_of(office, promise) == "data.refused"


def test_an_answer_that_tells_of_no_event_promises_none(office: Office) -> None:
    token = office.tokens()["access_token"]
    refused: list[Answer] = [
        office.send(office.program.get("/api/v1/data/income", "unknown")),
        office.send(office.program.get("/api/v1/data/income", token, proofs=["nonsense"])),
        office.redeem("unknown"),
    ]
    assert [answer.status for answer in refused] == [401, 401, 400]
    assert [header(answer, "event-promise") for answer in refused] == [None] * 3
    assert "event_promise" not in content(refused[2])
    asked = {"token": token}
    told = office.send(office.program.form("/oauth/introspect", asked))
    assert b"event_promise" not in told.body


def test_an_event_dropped_between_answer_and_tree_breaks_its_promise(office: Office) -> None:
    """What nothing in the tree would tell."""
    answer = office.fetch(office.tokens()["access_token"])
    promise = opened(office, header(answer, "event-promise"))
    with office.runtime.ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM audit_queue WHERE number ="
            " (SELECT number FROM audit_event WHERE event_id = ?)",
            (promise.event_id.hex,),
        )
    assert promise.entry not in entries(office)


def test_the_promise_is_of_the_commitment_that_comes_into_the_tree(office: Office) -> None:
    promise = opened(office, office.tokens()["event_promise"])
    assert promise.entry in entries(office)
    assert promise.entry == leaf(promise.commitment)

"""When an event cannot be written, nothing happens: no data, no token, no consent, no withdrawal.

On both databases, at every place where the writing of an event can fail, the commit included. The
answer says that something went wrong at our end, and nothing else.
"""

from collections.abc import Callable

import httpx2
import pytest

from audit.model import Kind
from consent.model import Status
from tests.faults.broken import Break, commit_fails, contents, write_fails
from tests.faults.installation import GROSS, Installation
from tests.service.office import PUSHED

EVERY_PLACE = (
    write_fails("audit_event"),
    write_fails("audit_queue"),
    write_fails("audit_search"),
    write_fails("audit_about"),
    commit_fails(),
)
"""Places where the writing of any event about a person can fail."""


EFFECTS_OF_GIVING = (
    write_fails("consent_consent", "UPDATE"),
    write_fails("consent_record"),
    write_fails("consent_receipt"),
    write_fails("service_used_form", "UPDATE"),
)
PROMISED = {"application/problem+json", "application/json", "text/html; charset=utf-8"}


def of_kind(kind: Kind) -> Break:
    return write_fails("audit_search", kind=kind)


def _fails_without_trace(
    installation: Installation, broken: Break, send: Callable[[], httpx2.Response]
) -> httpx2.Response:
    """Send while the database is broken: a 500, no value, and not one row more or less."""
    engine = installation.office.runtime.ledger.engine
    before = contents(engine)
    with broken.here(engine):
        answer = send()
        after = contents(engine)
    assert answer.status_code == 500
    assert answer.headers["content-type"] in PROMISED
    assert "consent-vault-event" not in answer.headers
    for told in (GROSS, "Esimerkki Oy", "broken", "audit_", "Traceback"):
        assert told not in answer.text
    assert after == before
    return answer


def test_no_data_leaves_without_its_event(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        _, tokens = installation.agreed(client, citizen, uses=1)
        token = tokens["access_token"]
        for broken in EVERY_PLACE:
            answer = _fails_without_trace(
                installation, broken, lambda: installation.fetch(client, token)
            )
            assert answer.headers["content-type"] == "application/problem+json"
        # The one use was not spent, and the server has got over it.
        assert installation.fetch(client, token).status_code == 200
    assert len(installation.events(Kind.DATA_RELEASED)) == 1


def test_no_refusal_is_told_without_its_event(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id, tokens = installation.agreed(client, citizen)
        assert citizen.withdraw(
            client, consent_id, citizen.withdrawal(client, consent_id)
        ).is_redirect
        _fails_without_trace(
            installation,
            of_kind(Kind.DATA_REFUSED),
            lambda: installation.fetch(client, tokens["access_token"]),
        )


def test_no_token_by_law_without_its_event(installation: Installation) -> None:
    with installation.client() as client:
        call = installation.by_law()
        answer = _fails_without_trace(
            installation, of_kind(Kind.TOKEN_ISSUED), lambda: installation.send(client, call)
        )
        assert answer.json()["error"] == "server_error"
        assert "access_token" not in answer.text
        # Nothing of it was used up: the very same request may be sent again.
        assert installation.send(client, call).status_code == 200


def test_no_token_for_a_code_without_its_event(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        citizen.answer(client, consent_id, "give")
        call = installation.redemption(citizen.code(client, consent_id))
        for kind in (Kind.TOKEN_ISSUED, Kind.SUBJECT_ISSUED):
            _fails_without_trace(
                installation, of_kind(kind), lambda: installation.send(client, call)
            )
        assert installation.send(client, call).status_code == 200


def test_no_request_is_taken_without_its_event(installation: Installation) -> None:
    call = installation.on_time().program.form("/oauth/par", PUSHED)
    with installation.client() as client:
        _fails_without_trace(
            installation, of_kind(Kind.REQUEST_PUSHED), lambda: installation.send(client, call)
        )
        assert installation.send(client, call).status_code == 201


def test_no_request_is_opened_without_its_event(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        request_uri = installation.push(client)
        _fails_without_trace(
            installation,
            of_kind(Kind.CONSENT_REQUESTED),
            lambda: citizen.authorize(client, request_uri),
        )
        citizen.open(client, request_uri)
    assert len(installation.events(Kind.CONSENT_REQUESTED)) == 1


@pytest.mark.parametrize("decision", ["give", "refuse"])
def test_no_answer_is_taken_without_its_event(installation: Installation, decision: str) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        form = citizen.question(client, consent_id) | {"decision": decision}
        page = f"/en/requests/{consent_id}"
        for broken in EVERY_PLACE:
            _fails_without_trace(installation, broken, lambda: citizen.post(client, page, form))
            assert installation.consent(consent_id).status is Status.REQUESTED
        # The same form still works: its one use was not taken.
        assert citizen.post(client, page, form).status_code == 303
    expected = Status.ACTIVE if decision == "give" else Status.REFUSED
    assert installation.consent(consent_id).status is expected


def test_no_withdrawal_is_told_without_its_event(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id, _ = installation.agreed(client, citizen)
        form = citizen.withdrawal(client, consent_id)
        for broken in EVERY_PLACE:
            _fails_without_trace(
                installation, broken, lambda: citizen.withdraw(client, consent_id, form)
            )
            assert installation.consent(consent_id).status is Status.ACTIVE
        assert citizen.withdraw(client, consent_id, form).status_code == 303
    assert installation.consent(consent_id).status is Status.WITHDRAWN


@pytest.mark.parametrize("page", ["requests", "data"])
def test_no_value_is_shown_to_the_person_without_its_event(
    installation: Installation, page: str
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        path = f"/en/requests/{consent_id}" if page == "requests" else "/en/data"
        _fails_without_trace(
            installation, of_kind(Kind.DATA_VIEWED), lambda: citizen.get(client, path)
        )
        assert citizen.get(client, path).status_code == 200


def test_what_fails_beside_the_event_takes_the_event_along(installation: Installation) -> None:
    """The event stands in the transaction already when one of its effects cannot be written."""
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        form = citizen.question(client, consent_id) | {"decision": "give"}
        page = f"/en/requests/{consent_id}"
        for broken in EFFECTS_OF_GIVING:
            _fails_without_trace(installation, broken, lambda: citizen.post(client, page, form))
        assert installation.events(Kind.CONSENT_GIVEN) == []
        assert citizen.post(client, page, form).status_code == 303

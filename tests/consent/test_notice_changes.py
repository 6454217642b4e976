"""A new version of a notice: who waits is asked by it, who gave keeps what was given."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from audit.model import SYSTEM, Kind
from audit.unit_of_work import Ledger, begin
from consent.decisions import Permit
from consent.model import Consent, Status
from consent.notice_changes import tell_active
from consent.notice_version import ChangeClass
from consent.notice_versions import (
    EditorialChangeError,
    change_class,
    notice_version,
    text_digest,
)
from consent.presenting import presentation_of
from consent.purposes import register_purpose
from consent.pushed import request_of
from consent.reading import consent, consents_of
from consent.store import tables
from policies.ids import ConsentId, PersonId
from policies.purposes import PurposeDeclaration
from policies.text import Text
from policies.vocabulary import Language, Necessity
from tests.consent.flow import (
    ASKED,
    GROSS,
    NEEDED,
    NOW,
    YEARLY,
    Flow,
    catalogue,
    drop_triggers,
    events,
)
from tests.consent.limited import limited


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def reworded(flow: Flow) -> PurposeDeclaration:
    old = flow.declaration()
    words = Text(fi="Neuvoja veloista.", sv="Råd om skulder.", en="Advice about debts.")
    return replace(old, version=old.version + 1, purpose=words)


def shorter(flow: Flow) -> PurposeDeclaration:
    """One that asks for one attribute less."""
    old = flow.declaration()
    left = tuple(each for each in old.attributes if each.id != YEARLY)
    return replace(old, version=old.version + 1, attributes=left)


def registered(flow: Flow, new: PurposeDeclaration, *, editorial: bool = False) -> None:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        register_purpose(uow, new, catalogue(), editorial=editorial)


def told(flow: Flow) -> int:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        return tell_active(uow, limit=10)


def now(flow: Flow, consent_id: ConsentId) -> Consent:
    with flow.ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def of(flow: Flow, person: PersonId, status: Status) -> list[Consent]:
    with flow.ledger.read() as connection:
        return consents_of(connection, person, {status})


def test_each_version_is_kept_with_the_digests_of_its_texts(flow: Flow) -> None:
    first, second = flow.declaration(), reworded(flow)
    registered(flow, second)
    with flow.ledger.read() as connection:
        old = notice_version(connection, first.id, first.version)
        new = notice_version(connection, first.id, second.version)
        assert notice_version(connection, first.id, 99) is None
    assert old is not None
    assert new is not None
    assert (old.supersedes, new.supersedes) == (None, first.version)
    assert (old.digest, new.digest) == (first.digest(), second.digest())
    assert new.text_digests[Language.SV] == text_digest(second, Language.SV)
    assert len({*old.text_digests.values(), *new.text_digests.values()}) == 6


def test_other_words_are_material_unless_they_are_called_editorial(flow: Flow) -> None:
    old, new = flow.declaration(), reworded(flow)
    assert change_class(None, new) is ChangeClass.MATERIAL
    assert change_class(old, new) is ChangeClass.MATERIAL
    assert change_class(old, new, editorial=True) is ChangeClass.EDITORIAL


def test_commas_and_capitals_are_editorial_by_themselves(flow: Flow) -> None:
    old = flow.declaration()
    louder = Text(**{each.value: old.purpose.in_language(each).upper() + "." for each in Language})
    new = replace(old, version=old.version + 1, purpose=louder)
    assert change_class(old, new) is ChangeClass.EDITORIAL


@pytest.mark.parametrize("what", ["attribute", "necessity", "time", "decision", "text gone"])
def test_no_change_of_what_is_asked_is_editorial(flow: Flow, what: str) -> None:
    old = flow.declaration()
    first = old.attributes[0]
    changed = {
        "attribute": replace(old, attributes=old.attributes[1:]),
        "necessity": replace(
            old, attributes=(replace(first, necessity=Necessity.OPTIONAL), *old.attributes[1:])
        ),
        "time": replace(old, max_validity_days=old.max_validity_days + 1),
        "decision": replace(old, automated_decision=not old.automated_decision),
        "text gone": replace(old, alternative_path=None),
    }
    assert change_class(old, changed[what]) is ChangeClass.MATERIAL
    with pytest.raises(EditorialChangeError):
        change_class(old, changed[what], editorial=True)


def test_who_waits_is_asked_anew_by_a_new_notice(flow: Flow) -> None:
    waiting = flow.open(flow.person(), details_attributes=ASKED)
    registered(flow, shorter(flow))
    assert now(flow, waiting.id).status is Status.CANCELLED
    (new,) = of(flow, waiting.person, Status.REQUESTED)
    assert (new.requested, new.purpose_version) == (NEEDED, waiting.purpose_version + 1)
    assert new.expires_at == waiting.expires_at
    with flow.ledger.read() as connection:
        assert request_of(connection, waiting.id) is None
        assert request_of(connection, new.id) is not None
    assert flow.give(new.id, waiting.person).status is Status.ACTIVE
    assert flow.code(new.id, waiting.person)


def test_where_nothing_is_left_to_ask_nothing_is_asked(flow: Flow) -> None:
    waiting = flow.open(flow.person(), details_attributes=(YEARLY,))
    registered(flow, shorter(flow))
    assert now(flow, waiting.id).status is Status.CANCELLED
    assert of(flow, waiting.person, Status.REQUESTED) == []


def test_new_words_leave_the_question_and_show_the_new_words(flow: Flow) -> None:
    waiting = flow.open(flow.person())
    registered(flow, reworded(flow), editorial=True)
    standing = now(flow, waiting.id)
    assert (standing.status, standing.purpose_version) == (
        Status.REQUESTED,
        waiting.purpose_version + 1,
    )
    assert flow.give(waiting.id, waiting.person).status is Status.ACTIVE


def test_what_was_given_stays_and_a_question_by_the_new_notice_stands_beside(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    registered(flow, shorter(flow))
    assert told(flow) == 1
    assert isinstance(flow.fetch(given.access, (YEARLY,)), Permit)
    standing = now(flow, given.record.consent)
    assert (standing.status, standing.granted, standing.version) == (Status.ACTIVE, ASKED, 1)
    (asked,) = of(flow, given.person, Status.REQUESTED)
    assert (asked.follows, asked.requested) == (standing.id, NEEDED)
    assert asked.expires_at > NOW + timedelta(days=13)
    (said,) = events(flow.ledger, Kind.CONSENT_CHANGED)
    assert said.get("reason") == "notice-changed-material"


def test_each_version_is_weighed_once(flow: Flow) -> None:
    given = flow.given()
    registered(flow, reworded(flow), editorial=True)
    assert told(flow) == 1
    assert now(flow, given.record.consent).notice_told == 2
    assert told(flow) == 0
    (said,) = events(flow.ledger, Kind.CONSENT_CHANGED)
    assert said.get("reason") == "notice-changed-editorial"
    assert of(flow, given.person, Status.REQUESTED) == []


def test_a_request_that_waits_already_is_enough(flow: Flow) -> None:
    given = flow.given()
    registered(flow, shorter(flow))
    flow.open(given.person, details_attributes=NEEDED)
    told(flow)
    assert len(of(flow, given.person, Status.REQUESTED)) == 1


def test_what_is_kept_with_an_answer_says_what_was_shown(flow: Flow) -> None:
    given = flow.given()
    with flow.ledger.read() as connection:
        shown = presentation_of(connection, given.record.consent, 1)
        assert presentation_of(connection, given.record.consent, 2) is None
    assert shown is not None
    assert (shown.purpose_version, shown.language, str(shown.mode)) == (1, Language.FI, "web")
    assert shown.text_digest == text_digest(flow.declaration(), Language.FI)
    with flow.ledger.read() as connection:
        notice = notice_version(connection, shown.purpose, shown.purpose_version)
    assert notice is not None
    assert notice.text_digests[shown.language] == shown.text_digest


def test_giving_by_the_new_notice_goes_on_with_the_clients_token(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    registered(flow, shorter(flow))
    told(flow)
    (asked,) = of(flow, given.person, Status.REQUESTED)
    flow.give(asked.id, given.person)
    assert now(flow, given.record.consent).status is Status.SUPERSEDED
    grant = flow.refreshed(given)
    access = flow.access(grant)
    assert (access.consent, access.attributes) == (asked.id, NEEDED)
    assert isinstance(flow.fetch(access, (GROSS,)), Permit)


def test_what_one_of_several_has_given_waits_by_its_own_words(flow: Flow) -> None:
    waiting = flow.open(flow.person())
    with flow.ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(status=Status.PENDING_JOINT))
    registered(flow, reworded(flow), editorial=True)
    standing = now(flow, waiting.id)
    assert (standing.status, standing.purpose_version) == (
        Status.PENDING_JOINT,
        waiting.purpose_version,
    )


def test_a_consent_whose_purpose_is_gone_stops_with_an_error(flow: Flow) -> None:
    flow.given()
    registered(flow, reworded(flow))
    with flow.ledger.engine.begin() as connection:
        drop_triggers(connection, tables.purpose.name)
        connection.execute(delete(tables.purpose))
    with pytest.raises(RuntimeError, match="never registered"):
        told(flow)


def test_the_new_question_asks_for_no_more_uses_than_its_notice_allows(flow: Flow) -> None:
    waiting, given = flow.open(flow.person()), flow.given()
    few = flow.given(details_uses=1)
    registered(flow, replace(shorter(flow), max_uses=2))
    told(flow)
    for person, uses in ((waiting.person, 2), (given.person, 2), (few.person, 1)):
        (asked,) = of(flow, person, Status.REQUESTED)
        assert (asked.uses_allowed, asked.uses_left) == (uses, uses)


def test_the_new_question_is_held_within_the_limits(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = flow.given()
    registered(flow, shorter(flow))
    limited(monkeypatch, attributes=20, days=10)
    told(flow)
    (asked,) = of(flow, given.person, Status.REQUESTED)
    assert asked.requested_not_after == NOW + timedelta(days=10)


def test_of_more_data_than_the_limits_allow_no_question_is_made(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = flow.given()
    registered(flow, shorter(flow))
    limited(monkeypatch, attributes=1, days=366)
    assert told(flow) == 1
    assert of(flow, given.person, Status.REQUESTED) == []

"""Purpose declarations in force: checked, versioned, never edited."""

from dataclasses import replace

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import Ledger, begin
from consent.choices import ChoiceError
from consent.model import Status
from consent.purposes import (
    PurposeVersionError,
    purpose,
    purpose_version,
    purposes_in_force,
    register_purpose,
)
from consent.reading import consent
from policies.ids import PurposeId
from policies.purposes import DeclarationError, PurposeDeclaration
from policies.text import Text
from tests.consent.flow import DEBT_ADVICE, NOW, Flow, catalogue, events

_DECLARED = catalogue().purpose(DEBT_ADVICE)
_NEWER = replace(_DECLARED, version=2, retention=Text(fi="Vuosi.", sv="Ett år.", en="A year."))


def _register(ledger: Ledger, declaration: PurposeDeclaration) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        register_purpose(uow, declaration, catalogue())


def test_a_registered_declaration_is_read_back_as_it_was(ledger: Ledger) -> None:
    _register(ledger, _DECLARED)
    with ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) == _DECLARED
    (entry,) = events(ledger, Kind.PURPOSE_REGISTERED)
    assert entry.get("digest") == _DECLARED.digest()


def test_an_unregistered_purpose_is_none(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert purpose(connection, PurposeId("debt-advice")) is None
        assert purpose_version(connection, DEBT_ADVICE, 1) is None


def test_the_newest_version_is_in_force_and_the_older_stays_readable(ledger: Ledger) -> None:
    _register(ledger, _DECLARED)
    _register(ledger, _NEWER)
    with ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) == _NEWER
        assert purpose_version(connection, DEBT_ADVICE, 1) == _DECLARED


def test_all_that_is_in_force_is_read_each_in_its_newest_version(ledger: Ledger) -> None:
    other = replace(_DECLARED, id=PurposeId("debt-advice-by-phone"))
    for declaration in (_DECLARED, other, _NEWER):
        _register(ledger, declaration)
    with ledger.read() as connection:
        assert purposes_in_force(connection) == {DEBT_ADVICE: _NEWER, other.id: other}


def test_registering_the_same_declaration_again_changes_nothing(ledger: Ledger) -> None:
    _register(ledger, _DECLARED)
    _register(ledger, _DECLARED)
    assert len(events(ledger, Kind.PURPOSE_REGISTERED)) == 1


def test_a_declaration_is_never_edited_under_its_version(ledger: Ledger) -> None:
    _register(ledger, _DECLARED)
    with pytest.raises(PurposeVersionError) as refused:
        _register(ledger, replace(_NEWER, version=1))
    assert (refused.value.purpose, refused.value.version) == (DEBT_ADVICE, 1)
    with ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) == _DECLARED


def test_an_older_version_cannot_come_after_a_newer_one(ledger: Ledger) -> None:
    _register(ledger, _NEWER)
    with pytest.raises(PurposeVersionError):
        _register(ledger, _DECLARED)


def test_a_declaration_that_may_not_be_shown_is_refused(ledger: Ledger) -> None:
    with pytest.raises(DeclarationError):
        _register(ledger, replace(_DECLARED, alternative_path=None))
    with ledger.read() as connection:
        assert purpose(connection, DEBT_ADVICE) is None


def test_a_new_version_cancels_requests_that_show_the_old_one(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    _register(ledger, _NEWER)
    with ledger.read() as connection:
        found = consent(connection, waiting.id)
    assert found is not None
    assert (found.status, found.version) == (Status.CANCELLED, 0)
    (entry,) = events(ledger, Kind.CONSENT_CANCELLED)
    assert entry.get("reason") == "notice-changed-material"


def test_a_new_version_leaves_what_was_given_as_it_was_given(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    _register(ledger, _NEWER)
    with ledger.read() as connection:
        found = consent(connection, given.record.consent)
    assert found is not None
    assert (found.status, found.purpose_version) == (Status.ACTIVE, 1)


def test_a_request_after_a_new_version_shows_the_new_one(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _register(ledger, _NEWER)
    person = flow.person()
    waiting = flow.open(person)
    assert waiting.purpose_version == 2
    with pytest.raises(ChoiceError, match="notice-not-current"):
        flow.give(waiting.id, person, notice_digest=_DECLARED.digest())

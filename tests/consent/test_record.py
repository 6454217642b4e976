"""The document of a record, held against the members of ISO/IEC TS 27560:2023."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from audit.unit_of_work import Ledger
from consent.model import Command, ConsentRecord, Status
from consent.record import Presentation, RecordEvent, first_document, next_document
from policies.canonical import canonical_json
from policies.ids import AttributeId, EventId, PurposeId, SessionId
from policies.vocabulary import Language, LegalBasis, LevelOfAssurance
from tests.consent.consents import a_consent
from tests.consent.flow import GROSS, NOW, Flow, catalogue

_SESSION = SessionId(UUID("11111111-1111-4111-8111-111111111111"))
_SHOWN = Presentation(
    notice_digest="b" * 64,
    presentation_digest="c" * 64,
    language=Language.EN,
    shown_at=datetime(2026, 11, 24, 8, 59, tzinfo=UTC),
    session=_SESSION,
)
_GIVEN = RecordEvent(command=Command.GIVE, entity="ppid:x", at=NOW, loa=LevelOfAssurance.HIGH)


def _document(
    purpose: str = "debt-advice", event: RecordEvent = _GIVEN, **changed: Any
) -> dict[str, Any]:
    return first_document(
        a_consent(**changed),
        declaration=catalogue().purpose(PurposeId(purpose)),
        party={"party_id": "debt-counsel"},
        presentation=_SHOWN,
        event=event,
    )


def _members(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["processing"]["purposes"][0]
    return found


_MANDATORY = {
    "header": {"schema_version", "record_id", "pii_principal_id"},
    "processing": {
        "privacy_notice",
        "language",
        "jurisdiction",
        "recipient_third_parties",
        "withdrawal_method",
    },
    "purpose": {"purpose", "pii_information", "pii_controllers", "retention_period"}
    | {"storage_locations"},
    "pii": {"pii_type"},
    "party": {"party_id", "party_name", "party_address", "party_contact", "party_type"},
    "event": {"event_time", "validity_duration", "entity_id", "event_type", "event_state"},
}
"""ISO/IEC TS 27560:2023 clause 6.3, in the mapping of the W3C DPV guide."""


def test_of_the_mandatory_members_two_are_missing_and_no_more(ledger: Ledger) -> None:
    document = Flow(ledger).given().record.content
    assert set(document) == {"header", "processing", "parties", "events"}
    sections = {
        "header": document["header"],
        "processing": document["processing"],
        "purpose": _members(document),
        "pii": _members(document)["pii_information"][0],
        "party": document["parties"][0],
        "event": document["events"][0],
    }
    missing = {name: _MANDATORY[name] - set(section) for name, section in sections.items()}
    assert set().union(*missing.values()) == {"party_address", "storage_locations"}


def test_a_document_says_how_to_withdraw_in_the_language_of_the_notice() -> None:
    assert _document()["processing"]["withdrawal_method"] == [
        {"channel": "web", "at": "/en/consents"}
    ]


def test_a_document_binds_notice_presentation_language_and_session() -> None:
    processing = _document()["processing"]
    assert processing["privacy_notice"] == {
        "notice_version_id": "debt-advice@1",
        "content_hash": "sha256:" + "b" * 64,
        "presentation_hash": "hmac-sha256:" + "c" * 64,
        "shown_at": "2026-11-24T08:59:00Z",
        "session": str(_SESSION),
    }
    assert processing["language"] == "en"


def test_a_document_holds_the_choice_for_each_attribute() -> None:
    optional = AttributeId("income.yearly_total")
    document = _document(requested=(GROSS, optional), granted=(GROSS,), refused=(optional,))
    assert _members(document)["pii_information"] == [
        {
            "pii_type": "income",
            "pii_attribute_id": GROSS,
            "pii_optional": False,
            "granted": True,
        },
        {
            "pii_type": "income",
            "pii_attribute_id": optional,
            "pii_optional": True,
            "granted": False,
        },
    ]


def test_consent_is_article_six_one_a_and_a_permission_is_what_it_is() -> None:
    assert _members(_document())["lawful_basis"] == "A6-1-a"
    members = _members(
        _document(
            "employment-service-plan",
            basis=LegalBasis.PERMISSION,
            requested=(AttributeId("studies.degree"),),
        )
    )
    assert members["lawful_basis"] == "permission"
    assert set(members["law"]) == {"fi", "sv", "en"}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (Command.GIVE, "explicit"),
        (Command.REFUSE, "refused"),
        (Command.WITHDRAW, "withdrawn"),
        (Command.REACH_END, "system"),
    ],
)
def test_an_event_says_what_kind_it_is(command: Command, kind: str) -> None:
    event = replace(_GIVEN, command=command, loa=None)
    (entry,) = _document(event=event, not_after=None)["events"]
    assert (entry["event_type"], entry["event_reason"]) == (kind, command.reason)
    assert (entry["validity_duration"], entry["loa"]) == ("P0D", None)


def test_the_next_version_keeps_all_and_adds_an_event_and_the_link() -> None:
    document = _document()
    consent = a_consent(version=2, status=Status.WITHDRAWN)
    before = ConsentRecord(
        consent=consent.id,
        version=1,
        person=consent.person,
        status=Status.ACTIVE,
        document=canonical_json(document),
        digest="d" * 64,
        previous=None,
        at=NOW,
        event_id=EventId(UUID(int=1)),
    )
    event = RecordEvent(command=Command.WITHDRAW, entity="ppid:x", at=NOW)
    after = next_document(before, consent, event)
    assert after["processing"] == document["processing"]
    assert after["events"][0] == document["events"][0]
    assert after["events"][1]["event_state"] == "withdrawn"
    assert (after["header"]["version"], after["header"]["previous"]) == (2, "sha256:" + "d" * 64)

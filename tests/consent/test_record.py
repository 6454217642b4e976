"""The document of a record, held against the members of ISO/IEC TS 27560:2023."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from consent.model import Command, ConsentRecord, Status
from consent.record import Presentation, RecordEvent, first_document, next_document
from policies.canonical import canonical_json
from policies.ids import AttributeId, EventId, PurposeId, SessionId
from policies.vocabulary import Language, LegalBasis, LevelOfAssurance
from tests.consent.consents import a_consent
from tests.consent.flow import GROSS, NOW, catalogue

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


def test_a_document_has_the_four_sections_and_every_mandatory_member() -> None:
    document = _document()
    assert set(document) == {"header", "processing", "parties", "events"}
    assert {"schema_version", "record_id", "pii_principal_id"} <= set(document["header"])
    assert {"privacy_notice", "language", "jurisdiction", "recipient_third_parties"} <= set(
        document["processing"]
    )
    assert {"pii_information", "pii_controllers", "retention_period", "lawful_basis"} <= set(
        _members(document)
    )
    assert {"event_time", "validity_duration", "entity_id", "event_type", "event_state"} <= set(
        document["events"][0]
    )


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

"""Rows of what people were shown before they answered, insert-only."""

from sqlalchemy import Connection, insert, select

from consent.record import Mode
from consent.shown import Shown
from consent.store.shown_tables import presentation
from policies.ids import ConsentId, EventId, PersonId, PurposeId, SessionId
from policies.vocabulary import Language


def add(connection: Connection, new: Shown, event_id: EventId) -> None:
    """Store what was shown before the answer of a version."""
    connection.execute(
        insert(presentation).values(
            consent_id=new.consent,
            version=new.version,
            person_id=new.person,
            purpose_id=new.purpose,
            purpose_version=new.purpose_version,
            language=new.language,
            mode=new.mode,
            template=new.template,
            template_digest=new.template_digest,
            text_digest=new.text_digest,
            presentation_digest=new.presentation_digest,
            choices=new.choices,
            shown_at=new.shown_at,
            session_id=new.session,
            audit_event_id=event_id,
        )
    )


def find(connection: Connection, consent_id: ConsentId, version: int) -> Shown | None:
    """What was shown before the answer of that version."""
    query = select(presentation).where(
        presentation.c.consent_id == consent_id, presentation.c.version == version
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Shown(
        consent=ConsentId(row.consent_id),
        version=row.version,
        person=PersonId(row.person_id),
        purpose=PurposeId(row.purpose_id),
        purpose_version=row.purpose_version,
        language=Language(row.language),
        mode=Mode(row.mode),
        template=row.template,
        template_digest=row.template_digest,
        text_digest=row.text_digest,
        presentation_digest=row.presentation_digest,
        choices=row.choices,
        shown_at=row.shown_at,
        session=SessionId(row.session_id),
    )

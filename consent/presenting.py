"""What stood before a person when she answered: kept with the answer (ISO/IEC TS 27560:2023 clause
6.2.2)."""

from sqlalchemy import Connection

from audit.unit_of_work import UnitOfWork
from consent.model import ConsentRecord
from consent.notice_versions import text_digest
from consent.record import Presentation
from consent.shown import Shown
from consent.store import shown as store
from policies.ids import ConsentId
from policies.purposes import PurposeDeclaration


def keep_presentation(
    uow: UnitOfWork,
    record: ConsentRecord,
    declaration: PurposeDeclaration,
    presentation: Presentation,
) -> Shown:
    """Keep it, in the unit of work that made the record."""
    shown = Shown(
        consent=record.consent,
        version=record.version,
        person=record.person,
        purpose=declaration.id,
        purpose_version=declaration.version,
        language=presentation.language,
        mode=presentation.mode,
        template=presentation.template,
        template_digest=presentation.template_digest,
        text_digest=text_digest(declaration, presentation.language),
        presentation_digest=presentation.presentation_digest,
        choices=presentation.choices,
        shown_at=presentation.shown_at,
        session=presentation.session,
    )
    store.add(uow.connection, shown, record.event_id)
    return shown


def presentation_of(connection: Connection, consent_id: ConsentId, version: int) -> Shown | None:
    """What was shown before the answer of that version; None where that was no answer."""
    return store.find(connection, consent_id, version)

"""Reading consents and their records, without changing or deciding anything."""

from collections.abc import Collection

from sqlalchemy import Connection

from consent.model import OPEN, Consent, ConsentRecord, Status
from consent.store import consents, records
from policies.ids import ConsentId, PersonId


def consents_of(
    connection: Connection,
    person: PersonId,
    statuses: Collection[Status] | None = None,
    *,
    after: Consent | None = None,
    limit: int | None = None,
) -> list[Consent]:
    """The person's consents, newest first; only those in the given states when given.

    For a list in pages: at most `limit`, from the one after the last of the page before.
    """
    return consents.of_person(connection, person, statuses, after=after, limit=limit)


def consent(connection: Connection, consent_id: ConsentId) -> Consent | None:
    """The consent as it stands now."""
    return consents.find(connection, consent_id)


def requests_waiting(connection: Connection, person: PersonId) -> list[Consent]:
    """What waits for the person's answer; `expires_at` says until when."""
    return consents.of_person(connection, person, OPEN, after=None, limit=None)


def record(connection: Connection, consent_id: ConsentId, version: int) -> ConsentRecord | None:
    """One version of the consent's record."""
    return records.find(connection, consent_id, version)


def records_of(connection: Connection, consent_id: ConsentId) -> list[ConsentRecord]:
    """All versions of the consent's record, oldest first."""
    return records.of_consent(connection, consent_id)


def with_limited_uses(connection: Connection) -> list[ConsentId]:
    """Consents in force of which only so many uses are left: after a restore, those whose uses
    since the backup nobody knows."""
    return consents.with_limited_uses(connection)

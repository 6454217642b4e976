"""Whose data it is: a person's, or an organisation's, which stands beside people as a principal.

Both have an id, keys, records, consents and a log of the same kind, and are found by the keyed hash
of an identifier. What somebody is follows from the identifiers, and never changes: a company is
found by its business id, and nobody is found by that and by an identity code.
"""

from enum import StrEnum

from sqlalchemy import Connection

from audit.scope import turn_to
from policies.business_id import OID
from policies.ids import PersonId
from vault.store import people as store

BUSINESS_SCHEME = OID
"""The Finnish business id (Y-tunnus)."""


class PrincipalKind(StrEnum):
    """What somebody can be."""

    PERSON = "person"
    ORGANISATION = "organisation"


class OtherKindError(ValueError):
    """A person was to become an organisation, or the other way round."""


def kind_of_scheme(scheme: str) -> PrincipalKind:
    """Whom an identifier of the scheme leads to."""
    return PrincipalKind.ORGANISATION if scheme == BUSINESS_SCHEME else PrincipalKind.PERSON


def kind_of(connection: Connection, person: PersonId) -> PrincipalKind:
    """What the principal is."""
    turn_to(connection, person)
    schemes = store.schemes_of(connection, person)
    is_one = BUSINESS_SCHEME in schemes
    return PrincipalKind.ORGANISATION if is_one else PrincipalKind.PERSON

"""May a client ask for this purpose, and do the sources give what it asks for?

Looked at where a request comes in, so that nobody is led to a question that cannot be answered.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from consent.authorization_details import AuthorizationDetails, AuthorizationDetailsError
from consent.declared import DeclarationKind
from consent.model import Client
from consent.purposes import purpose
from consent.services import services_in_force
from consent.store import declarations
from policies.catalogue import Catalogue
from policies.ids import PurposeId
from policies.purposes import DeclarationError, PurposeDeclaration
from policies.service_declarations import check_served


def purpose_to_ask(
    connection: Connection, purpose_id: PurposeId, *, client: Client, now: datetime
) -> PurposeDeclaration | None:
    """The declaration by which the client may ask now; None when there never was one.

    What has become of a purpose is told. Raises AuthorizationDetailsError.
    """
    found = purpose(connection, purpose_id)
    if found is None:
        status = declarations.status_of(connection, DeclarationKind.PURPOSE, purpose_id)
        if status is not None:
            raise AuthorizationDetailsError("purpose", status.value)
        return None
    if found.organisation == client.organisation and not found.terms.is_for(client.id):
        raise AuthorizationDetailsError("purpose", "of-another-program")
    if not found.terms.holds_on(now.date()):
        raise AuthorizationDetailsError("purpose", "not-at-this-time")
    return found


def check_given(
    connection: Connection, details: AuthorizationDetails, catalogue: Catalogue
) -> None:
    """Raise AuthorizationDetailsError when a source does not give what is asked for.

    Its declaration may be suspended, or stricter than when the purpose was approved.
    """
    declared = purpose(connection, details.purpose)
    if declared is None:
        raise AuthorizationDetailsError("purpose", "unknown")
    wanted = set(details.attributes)
    asked = tuple(each for each in declared.attributes if each.id in wanted)
    try:
        check_served(replace(declared, attributes=asked), services_in_force(connection, catalogue))
    except DeclarationError as error:
        raise AuthorizationDetailsError("datatypes", "not-given-by-the-source") from error

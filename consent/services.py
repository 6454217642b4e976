"""Service declarations in force: what the sources give.

The catalogue's data files are the first version of each, and count until another version does, or
an operator suspends or retires them.
"""

from datetime import datetime

from sqlalchemy import Connection

from consent.declared import DeclarationKind, DeclarationStatus, Declared
from consent.store import declarations as store
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.entries import Dataset
from policies.service_declarations import ServiceDeclaration, declared_by_catalogue

_WAITS = frozenset({DeclarationStatus.DRAFT, DeclarationStatus.SUBMITTED})


def services_in_force(connection: Connection, catalogue: Catalogue) -> list[ServiceDeclaration]:
    """What each source gives now; nothing of a data set that is suspended or retired."""
    known = store.every(connection, DeclarationKind.SERVICE)
    once = {each.id for each in known if each.status not in _WAITS}
    counting = [each.content for each in known if each.status is DeclarationStatus.APPROVED]
    of_catalogue = [
        declared_by_catalogue(catalogue, each)
        for each in catalogue.datasets.values()
        if each.id not in once
    ]
    return [*(each for each in counting if isinstance(each, ServiceDeclaration)), *of_catalogue]


def first_version(
    catalogue: Catalogue, dataset: Dataset, *, at: datetime | None = None
) -> Declared:
    """The catalogue's declaration of a data set, approved with the catalogue itself."""
    content = declared_by_catalogue(catalogue, dataset)
    return Declared(
        kind=DeclarationKind.SERVICE,
        id=content.id,
        version=content.version,
        status=DeclarationStatus.APPROVED,
        document=canonical_json(content.to_json()),
        digest=content.digest(),
        changed_at=at,
    )

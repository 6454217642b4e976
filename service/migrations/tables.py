"""Every room's tables, for Alembic. Nobody else may look into a room's store."""

from sqlalchemy import MetaData

from audit.store import metadata as audit
from consent.store import metadata as consent
from service.store import metadata as service
from vault.store import metadata as vault

ROOMS: list[MetaData] = [audit, consent, service, vault]

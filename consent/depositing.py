"""Clients that hand in for an organisation what its sources say, and so sign in its name."""

from sqlalchemy import Connection

from consent import deposit_details
from consent.model import Client
from consent.store import clients as store
from policies.ids import OrganisationId


def depositing(connection: Connection, organisation: OrganisationId) -> list[Client]:
    """The organisation's active clients that may hand in what its sources say, by id."""
    found = store.of_organisation(connection, organisation)
    return [each for each in found if deposit_details.TYPE in each.authorization_details_types]

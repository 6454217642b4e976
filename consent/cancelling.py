"""A client takes back a request of its own that nobody has answered yet."""

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.lifecycle import Party
from consent.model import Client, Command, Consent
from consent.pushed import RequestUriError, pushed
from consent.store import consents


def cancel_request(uow: UnitOfWork, client: Client, request_uri: str) -> Consent:
    """Close it, whoever has opened it. One that nobody has opened runs out by itself soon.

    Raises RequestUriError, the same for another client's as for none, and the errors of the
    lifecycle.
    """
    found = pushed(uow.connection, request_uri)
    if found is None or found.request.client != client.id or found.consent is None:
        raise RequestUriError("unknown")
    waiting = consents.lock_known(uow.connection, found.consent)
    cancelled, _ = change(uow, waiting, Command.CANCEL_REQUEST, party=Party.CLIENT)
    return cancelled

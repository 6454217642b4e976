"""Registered clients with their keys read once.

The keys let a signature be verified before any transaction begins, so that nobody without a key
ever holds the database's writer. The client itself is read again inside the transaction: what is
remembered here decides nothing but which key to try.
"""

from dataclasses import dataclass

from audit.unit_of_work import Ledger
from consent.clients import client
from consent.model import Client
from policies.ids import ClientId
from service.jwk import VerificationKey, import_key

_MOST = 1024


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client as it was last read, and its keys."""

    client: Client
    keys: tuple[VerificationKey, ...]


class Directory:
    """Finds clients; remembers up to a thousand."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[ClientId, KnownClient] = {}

    def find(self, client_id: ClientId) -> KnownClient | None:
        """The client, None when there is none of that id."""
        known = self._known.get(client_id)
        return known if known is not None else self._read(client_id)

    def forget(self, client_id: ClientId) -> None:
        """Read this client anew next time."""
        self._known.pop(client_id, None)

    def _read(self, client_id: ClientId) -> KnownClient | None:
        with self._ledger.read() as connection:
            found = client(connection, client_id)
        if found is None:
            return None
        known = KnownClient(found, tuple(import_key(jwk) for jwk in found.jwks))
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[client_id] = known
        return known

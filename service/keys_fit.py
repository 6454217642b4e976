"""Whether the keys in the folder are those under which the database was written.

With others everything would seem to work: people would be enrolled a second time, the log signed
by another key, and all that was sealed before would stay shut. So it is asked before anything.
"""

from contextlib import suppress

from audit.disclosure import DisclosureError
from audit.reader import search
from audit.seal import SealedEventError
from audit.unit_of_work import Ledger
from vault.envelope import SealError
from vault.keys import UnknownKeyError

_REPAIR = (
    "set CONSENT_VAULT_DATA_FOLDER and the settings of the key provider to those of this"
    " database, or restore the keys from backup"
)


class KeysDoNotFitError(Exception):
    """The newest event's key does not open with these keys."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.repair = _REPAIR


def check_keys_fit(ledger: Ledger) -> None:
    """Raises KeysDoNotFitError; an empty database goes with every key."""
    try:
        # An event that was changed is another matter: doctor and auditor look for it.
        with ledger.read() as connection, suppress(SealedEventError, DisclosureError):
            search(connection, ledger, limit=1)
    except UnknownKeyError as error:
        raise KeysDoNotFitError(
            f"the newest event is under the key {error.key_id}, which is not there"
        ) from error
    except SealError as error:
        raise KeysDoNotFitError(
            "the keys do not open the newest event: they are those of another installation, or new"
        ) from error

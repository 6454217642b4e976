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


class KeysDoNotFitError(Exception):
    """The newest event's key does not open with these keys."""


def check_keys_fit(ledger: Ledger) -> None:
    """Raises KeysDoNotFitError; an empty database goes with every key."""
    try:
        # An event that was changed is another matter: doctor and auditor look for it.
        with ledger.read() as connection, suppress(SealedEventError, DisclosureError):
            search(connection, ledger, limit=1)
    except SealError as error:
        raise KeysDoNotFitError from error

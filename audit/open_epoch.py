"""Holding the epoch of a key-encryption key (KEK) open while a key wrapped under it is written.

See audit.epochs: a transaction that is not committed yet must not find its KEK destroyed.
"""

from sqlalchemy import Connection

from audit.store import epochs as store


class ClosedEpochError(RuntimeError):
    """A key was wrapped under a KEK whose epoch is closed; wrapped anew, it is under another."""


def hold_open(connection: Connection, key_id: str) -> None:
    """Keep the epoch from being closed until this transaction ends.

    Whoever writes a key that it has wrapped calls this in the same transaction. It costs a round
    trip once in a transaction, and nothing after that. Raises ClosedEpochError, and
    EventNotWrittenError when the database refuses.
    """
    if not store.is_held(connection, key_id) and store.hold(connection, key_id):
        raise ClosedEpochError(key_id)

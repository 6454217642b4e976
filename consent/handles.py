"""Everything that opens something and stands for minutes: ended at once, as after a restore.

What was revoked or used after a backup was made is as new in it. A refresh token stands as long as
its consent does, and what has become of that is told by the journal outside.
"""

from audit.unit_of_work import UnitOfWork
from consent.store import handles as store


def end_handles(uow: UnitOfWork) -> int:
    """End all access tokens, tokens of sources and codes; gives how many there were.

    The event that accounts for it is the caller's.
    """
    return store.end_all(uow.connection, at=uow.now)

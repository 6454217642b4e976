"""Who has a say in a consent that somebody else gave for the person: it passes to her by itself.

A guardian's consent stays a ground when the child comes of age, and only the person decides from
then on (EDPB guidelines 05/2020 section 7.1.6). When a mandate ends, its holder has no say any more
in what was given by it.
"""

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.lifecycle import Party
from consent.model import Command
from consent.store import consents


def pass_control(uow: UnitOfWork, *, limit: int) -> int:
    """Give those who have come of age the say in what was given for them; how many there were."""
    due = consents.lock_of_age(uow.connection, now=uow.now, limit=limit)
    for each in due:
        change(uow, each, Command.SUBJECT_REACHED_AGE, party=Party.CLOCK)
    return len(due)

"""Data about several people: each of them has a say in whether a recipient may have it.

One person's yes is hers alone. What is about others too needs the yes of each of them, for the same
purpose of the same recipient; the law, and danger to life, speak for all of them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from consent.decisions import Permit
from consent.model import ConsentRef
from consent.store import consents
from policies.ids import AttributeId, PersonId
from policies.vocabulary import LegalBasis

JOINTLY_RELEASED = "jointly-released"
"""Why something stands in the log of somebody whom it is about beside the person asked about."""

_SPEAKS_FOR_ALL = frozenset({LegalBasis.STATUTE, LegalBasis.VITAL})


@dataclass(frozen=True, slots=True)
class OwnYes:
    """What another person has given to the same recipient for the same purpose."""

    consent: ConsentRef
    granted: frozenset[AttributeId]


def needs_others(permit: Permit) -> bool:
    """Whether what is about others needs their own yes on this permit's ground."""
    return permit.basis not in _SPEAKS_FOR_ALL


def own_yes_of(permit: Permit, people: Collection[PersonId]) -> Mapping[PersonId, OwnYes]:
    """Who of these people has said yes as well, in the permit's own transaction.

    Their consents are locked, so that a withdrawal comes before or after all of this. One that is
    locked elsewhere at this moment counts as none: two fetches about the same two people would
    otherwise wait for each other, and to give too little is mended by asking again.
    """
    uow = permit.decided_in
    if permit.organisation is None or permit.purpose is None:
        return {}
    found = consents.share_active(
        uow.connection,
        people,
        organisation=permit.organisation,
        purpose=permit.purpose,
        now=uow.now,
    )
    return {each.person: OwnYes(each.ref, frozenset(each.granted)) for each in found}

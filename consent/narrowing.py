"""Giving less from now on: a strict part of what was given stays, and nothing is ever added.

To give more is another question, so it takes another request.
"""

from collections.abc import Collection
from dataclasses import replace

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.choices import own, recorded
from consent.conditions import ChoiceError
from consent.lifecycle import Party, transition
from consent.model import Command, Consent, ConsentRecord
from consent.store import consents, purposes
from policies.ids import AttributeId, ConsentId, PersonId
from policies.minimisation import missing_required
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LevelOfAssurance


def narrow(
    uow: UnitOfWork,
    consent_id: ConsentId,
    *,
    without: Collection[AttributeId],
    person: PersonId,
    loa: LevelOfAssurance,
) -> ConsentRecord:
    """Take these attributes out. What the purpose cannot do without stays: whoever wants to give
    that no more withdraws.

    Raises UnknownConsentError, ChoiceError and the errors of the lifecycle.
    """
    standing = own(consents.lock(uow.connection, consent_id), person)
    transition(standing.status, Command.NARROW)
    to = without_attributes(standing, without)
    _check(standing, to, purposes.of_version(uow.connection, to.purpose, to.purpose_version))
    _, record = change(uow, standing, Command.NARROW, party=Party.SUBJECT, to=to, loa=loa)
    return recorded(record)


def removable(standing: Consent, declaration: PurposeDeclaration) -> tuple[AttributeId, ...]:
    """What can be taken out and leaves something."""
    optional = tuple(each for each in standing.granted if each in declaration.optional)
    return optional if len(standing.granted) > 1 else ()


def without_attributes(standing: Consent, without: Collection[AttributeId]) -> Consent:
    """The consent with these given no more."""
    kept = tuple(each for each in standing.granted if each not in without)
    return replace(
        standing,
        granted=kept,
        refused=tuple(each for each in standing.requested if each not in kept),
    )


def _check(standing: Consent, to: Consent, declaration: PurposeDeclaration | None) -> None:
    if declaration is None:
        raise RuntimeError("a consent stands for a purpose that was never registered")
    if to.granted == standing.granted:
        raise ChoiceError("nothing-taken-out")
    if not to.granted:
        raise ChoiceError("nothing-granted")
    if set(missing_required(to.granted, declaration)) & set(standing.granted):
        raise ChoiceError("needed-missing")

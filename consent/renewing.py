"""Extending a consent shortly before its end: the same data for the same purpose, by the notice in
force, which the person has just seen again with what has changed in it.

Nothing is added: more is another question. And nothing goes on by silence.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.changes import Answer, change
from consent.choices import own, recorded
from consent.conditions import Choice, ChoiceError, Question, check_conditions, longest_end
from consent.lifecycle import Party, apply
from consent.model import Command, Consent, ConsentRecord
from consent.presenting import keep_presentation
from consent.request_limits import held_within
from consent.services import services_in_force
from consent.store import clients, consents, purposes, tokens
from consent.terms import Difference, differences
from policies.catalogue import Catalogue
from policies.ids import ConsentId
from policies.limits import Held, TooWideError
from policies.purposes import DeclarationError, PurposeDeclaration
from policies.service_declarations import check_served


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the person is asked: her consent as it would go on, and what the notice says else."""

    question: Question
    """The consent by the notice in force."""
    differences: list[Difference]

    def end(self, now: datetime) -> datetime:
        return longest_end(self.question, now)


def renewal(
    connection: Connection, standing: Consent, catalogue: Catalogue, now: datetime
) -> Renewal:
    """The question of renewing it. Raises ChoiceError and the errors of the lifecycle."""
    apply(standing, Command.RENEW, party=Party.SUBJECT, now=now)
    declaration = purposes.in_force(connection, standing.purpose)
    agreed = purposes.of_version(connection, standing.purpose, standing.purpose_version)
    asking = clients.find(connection, standing.client)
    if agreed is None or asking is None:
        raise RuntimeError("a consent stands for a purpose or client that was never registered")
    if declaration is None:
        raise ChoiceError("declaration-not-in-force")
    _check_scope(standing, declaration)
    _check_extension(connection, standing, declaration, catalogue)
    held = _held(standing, declaration, catalogue, now)
    # What was asked for the first time may have had an end of its own; that end has come.
    by_new = replace(
        standing,
        purpose_version=declaration.version,
        requested=standing.granted,
        requested_not_after=now + timedelta(days=held.days),
        uses_allowed=held.uses,
        uses_left=_left(standing, held.uses),
    )
    return Renewal(Question(by_new, declaration, asking), differences(agreed, declaration))


def renew(
    uow: UnitOfWork, consent_id: ConsentId, choice: Choice, catalogue: Catalogue
) -> ConsentRecord:
    """Extend it from now on. Raises UnknownConsentError, ChoiceError and the errors of the
    lifecycle."""
    standing = own(consents.lock(uow.connection, consent_id), choice.actor)
    asked = renewal(uow.connection, standing, catalogue, uow.now)
    question = asked.question
    check_conditions(question, choice, uow.now)
    if set(choice.granted) != set(standing.granted):
        raise ChoiceError("scope-differs")
    renewed = replace(
        standing,
        purpose_version=question.declaration.version,
        not_after=choice.not_after or asked.end(uow.now),
        uses_allowed=question.waiting.uses_allowed,
        uses_left=question.waiting.uses_left,
        notice_told=None,
    )
    answer = Answer(renewed, question.declaration, question.client.party, choice.presentation)
    _, record = change(
        uow, standing, Command.RENEW, party=Party.SUBJECT, answer=answer, loa=choice.loa
    )
    # The client goes on with the refresh token that it has, until the new end.
    tokens.hand_over(uow.connection, standing.id, renewed)
    made = recorded(record)
    keep_presentation(uow, made, question.declaration, choice.presentation)
    return made


def _check_scope(standing: Consent, declaration: PurposeDeclaration) -> None:
    """The same data for the same recipient on the same ground: else it is another question."""
    declared = {each.id for each in declaration.attributes}
    same = (
        set(standing.granted) <= declared
        and set(declaration.required) & set(standing.requested) <= set(standing.granted)
        and declaration.organisation == standing.organisation
        and declaration.basis is standing.basis
    )
    if not same:
        raise ChoiceError("scope-differs")


def _check_extension(
    connection: Connection,
    standing: Consent,
    declaration: PurposeDeclaration,
    catalogue: Catalogue,
) -> None:
    """Each source says whether what it gives may be given for longer than at first, and gives
    nobody anew what it does not give any more."""
    services = services_in_force(connection, catalogue)
    goes_on = tuple(each for each in declaration.attributes if each.id in standing.granted)
    try:
        check_served(replace(declaration, attributes=goes_on), services)
    except DeclarationError as error:
        raise ChoiceError("extension-not-allowed") from error
    datasets = {each.partition(".")[0] for each in standing.granted}
    if any(each.id in datasets and not each.extension_allowed for each in services):
        raise ChoiceError("extension-not-allowed")


def _held(
    standing: Consent, declaration: PurposeDeclaration, catalogue: Catalogue, now: datetime
) -> Held:
    """How long and how often at most: as given, as the notice in force says, within the limits."""
    goes_on = AuthorizationDetails(
        purpose=declaration.id, attributes=standing.granted, uses=standing.uses_allowed
    )
    kind = catalogue.organisation(standing.organisation).kind
    try:
        return held_within(kind.value, goes_on, declaration, now)
    except TooWideError as error:
        raise ChoiceError("scope-differs") from error


def _left(standing: Consent, allowed: int | None) -> int | None:
    """What is left of so many uses; those that are gone stay gone, and must have been counted."""
    if allowed is None:
        return None
    if standing.uses_allowed is None or standing.uses_left is None:
        raise ChoiceError("scope-differs")
    left = allowed - (standing.uses_allowed - standing.uses_left)
    if left < 1:
        raise ChoiceError("scope-differs")
    return left

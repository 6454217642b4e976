"""Tokens without a question to the person: client credentials with the subject in the details.

The ground is the law, a contract or danger to life, as the declaration has it; what the person
decides is never taken like this. Whether there is such a ground is settled before the subject is
looked up, so that nobody without one learns whether a person is known here.
"""

from functools import cache

from audit.unit_of_work import UnitOfWork
from consent.asking import purpose_to_ask
from consent.authorization_details import (
    AuthorizationDetails,
    AuthorizationDetailsError,
    Declarations,
    Subject,
    parse,
)
from consent.grants import Grant, TokenRefusal
from consent.tokens import issue_statutory_token
from policies.ids import OrganisationId, PersonId, PurposeId
from policies.purposes import PurposeDeclaration
from service.oauth.authenticated import Asked
from service.oauth.errors import OAuthError, Reason
from vault.people import find_person, person_by_pairwise


def statutory_token(uow: UnitOfWork, asked: Asked) -> Grant | TokenRefusal:
    """A token for the person that the request names. Raises OAuthError."""

    @cache  # read once in this transaction: to see what is asked, and to see what the law gives
    def in_force(wanted: PurposeId) -> PurposeDeclaration | None:
        return purpose_to_ask(uow.connection, wanted, client=asked.client, now=uow.now)

    details = _details(asked, in_force)
    person = _person(uow, asked, details.subject)
    if person is None:
        raise OAuthError(Reason.SUBJECT_UNKNOWN)
    declaration = in_force(details.purpose)
    return issue_statutory_token(
        uow, asked.client, details, person, jkt=asked.jkt, declaration=declaration
    )


def _details(asked: Asked, in_force: Declarations) -> AuthorizationDetails:
    text = asked.parameters.need("authorization_details")

    def declared(wanted: PurposeId) -> PurposeDeclaration | None:
        return _by_law(in_force(wanted), asked.client.organisation)

    try:
        return parse(text, declaration=declared, with_subject=True)
    except AuthorizationDetailsError as error:
        raise OAuthError(Reason.DETAILS, f"{error.member}: {error.reason}") from error


def _by_law(
    declaration: PurposeDeclaration | None, organisation: OrganisationId
) -> PurposeDeclaration | None:
    if declaration is None:
        return None
    if declaration.basis.is_choice or declaration.organisation != organisation:
        raise OAuthError(Reason.NOT_BY_LAW)
    return declaration


def _person(uow: UnitOfWork, asked: Asked, subject: Subject | None) -> PersonId | None:
    vault = asked.server.runtime.vault
    if subject is None:
        raise RuntimeError("details of client credentials have a subject")
    if subject.scheme is not None:
        return find_person(uow.connection, vault, scheme=subject.scheme, identifier=subject.id)
    sector = asked.client.organisation
    return person_by_pairwise(uow.connection, vault, sector=sector, subject=subject.id)

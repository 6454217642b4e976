"""Tokens for sources: client credentials with details of type `deposit`, and no subject."""

from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetailsError
from consent.deposit_details import TYPE, is_about_deposits, parse_deposit_details
from consent.deposit_tokens import DepositGrant, issue_deposit_token
from consent.grants import TokenRefusal
from service.oauth.authenticated import Asked
from service.oauth.errors import OAuthError, Reason


def asks_to_deposit(asked: Asked) -> bool:
    """Whether the client wants to hand in; looked at only for those registered for it."""
    details = asked.parameters.get("authorization_details")
    registered = TYPE in asked.client.authorization_details_types
    return registered and details is not None and is_about_deposits(details)


def deposit_token(uow: UnitOfWork, asked: Asked) -> DepositGrant | TokenRefusal:
    """A token for the data sets that the client's organisation keeps. Raises OAuthError."""
    try:
        details = parse_deposit_details(
            asked.parameters.need("authorization_details"),
            catalogue=asked.server.runtime.catalogue,
            organisation=asked.client.organisation,
        )
    except AuthorizationDetailsError as error:
        raise OAuthError(Reason.DETAILS, f"{error.member}: {error.reason}") from error
    return issue_deposit_token(uow, asked.client, details, jkt=asked.jkt)

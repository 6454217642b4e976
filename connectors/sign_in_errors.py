"""The ways in which a sign-in can fail, each with a name.

They hold codes and names of checks, never what the provider wrote: an `error_description` is
text of somebody else and does not reach a page or a log.
"""

from typing import ClassVar

from policies.vocabulary import LevelOfAssurance

KNOWN_ERRORS = frozenset(
    {
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_client",
        "invalid_grant",
        "unsupported_grant_type",
        "unmet_authentication_requirements",
    }
)
"""RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6."""


class SignInError(Exception):
    """A sign-in that did not succeed. `code` is a fixed word for the audit log."""

    code: ClassVar[str]


class SignInCancelledError(SignInError):
    """The person stopped the sign-in at the provider (`access_denied`)."""

    code = "sign-in-cancelled"


class SignInRefusedError(SignInError):
    """The provider refused, with a known error code of OAuth 2.0 or OpenID Connect."""

    code = "sign-in-refused"

    def __init__(self, error: str) -> None:
        self.error = error if error in KNOWN_ERRORS else "unknown"
        super().__init__(self.error)


class StateMismatchError(SignInError):
    """The answer does not belong to this sign-in (RFC 6749 section 10.12)."""

    code = "state-mismatch"


class IssuerMismatchError(SignInError):
    """Another issuer answered than the one that was asked (RFC 9207 section 2.4)."""

    code = "issuer-mismatch"


class IdTokenError(SignInError):
    """The ID token fails a check of OpenID Connect Core section 3.1.3.7; `check` names it."""

    code = "id-token-refused"

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


class AssuranceError(SignInError):
    """How surely the person was identified is not stated, not known to us, or too low."""

    code = "assurance-too-low"

    def __init__(self, stated: LevelOfAssurance | None) -> None:
        super().__init__(stated.name.lower() if stated else "not stated or unknown")
        self.stated = stated


class NoIdentifierError(SignInError):
    """The provider gave no identifier by which a person can be recognised again."""

    code = "no-identifier"


class ProviderUnavailableError(SignInError):
    """The provider did not answer in time, or not at all; trying again may help."""

    code = "provider-unavailable"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ProviderContractError(SignInError):
    """The provider's metadata, keys or answers are not what OpenID Connect asks for."""

    code = "provider-contract"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason

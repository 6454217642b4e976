"""Why an OAuth request is refused: one table from reason to error code and explanation.

The reason is what the log records; code and explanation are what the client reads (RFC 6749
section 5.2, RFC 9126, RFC 9396 section 5, RFC 9449 section 5). The explanation never quotes the
request.
"""

from enum import StrEnum

from service.exchange import NO_STORE, Answer


class Reason(StrEnum):
    """Everything that the endpoints refuse by themselves."""

    BODY_TOO_LARGE = "body-too-large"
    NOT_A_FORM = "not-a-form"
    PARAMETER_REPEATED = "parameter-repeated"
    PARAMETER_MISSING = "parameter-missing"
    REQUEST_OBJECT = "request-object"
    REQUEST_URI = "request-uri"
    RESPONSE_TYPE = "response-type"
    RESPONSE_MODE = "response-mode"
    CHALLENGE_METHOD = "challenge-method"
    SCOPE = "scope"
    TARGET = "target"
    CLIENT_MISSING = "client-missing"
    CLIENT_UNKNOWN = "client-unknown"
    CLIENT_DIFFERS = "client-differs"
    CLIENT_SUSPENDED = "client-suspended"
    ASSERTION_MALFORMED = "assertion-malformed"
    ASSERTION_KEY = "assertion-key"
    ASSERTION_SIGNATURE = "assertion-signature"
    ASSERTION_CLAIMS = "assertion-claims"
    ASSERTION_AUDIENCE = "assertion-audience"
    ASSERTION_TIME = "assertion-time"
    ASSERTION_REPLAYED = "assertion-replayed"
    PROOF_MISSING = "proof-missing"
    PROOF_MALFORMED = "proof-malformed"
    PROOF_KEY = "proof-key"
    PROOF_SIGNATURE = "proof-signature"
    PROOF_CLAIMS = "proof-claims"
    PROOF_METHOD = "proof-method"
    PROOF_ADDRESS = "proof-address"
    PROOF_TIME = "proof-time"
    PROOF_TOKEN = "proof-token"  # noqa: S105  # a reason, not a secret
    PROOF_REPLAYED = "proof-replayed"
    PROOF_NONCE = "proof-nonce"
    PROOF_KEY_DIFFERS = "proof-key-differs"
    GRANT_TYPE_UNKNOWN = "grant-type-unknown"
    GRANT_TYPE_NOT_ALLOWED = "grant-type-not-allowed"
    REDIRECT_URI = "redirect-uri"
    PARAMETER_FORM = "parameter-form"
    DETAILS = "authorization-details"
    DETAILS_TYPE = "details-type-not-registered"
    SUBJECT_UNKNOWN = "subject-unknown"
    NOT_BY_LAW = "not-by-law"
    CODE = "code"
    REFRESH_TOKEN = "refresh-token"  # noqa: S105
    CONSENT_NOT_ACTIVE = "consent-not-active"


_ONLY = "client_assertion: a JWT signed with ES256, PS256 or EdDSA, up to 8 kB"
_DPOP = "DPoP: "

ERRORS: dict[Reason, tuple[str, str]] = {
    Reason.BODY_TOO_LARGE: ("invalid_request", "the body is larger than 64 kB"),
    Reason.NOT_A_FORM: (
        "invalid_request",
        "the body must be application/x-www-form-urlencoded in UTF-8, up to 50 parameters",
    ),
    Reason.PARAMETER_REPEATED: ("invalid_request", "a parameter stands twice"),
    Reason.PARAMETER_MISSING: ("invalid_request", "a parameter is missing"),
    Reason.REQUEST_OBJECT: (
        "request_not_supported",
        "push plain parameters; a request object is not taken here",
    ),
    Reason.REQUEST_URI: ("invalid_request", "request_uri is what a push gives, never a part of it"),
    Reason.RESPONSE_TYPE: ("unsupported_response_type", "response_type must be code"),
    Reason.RESPONSE_MODE: ("invalid_request", "response_mode may only be query"),
    Reason.CHALLENGE_METHOD: ("invalid_request", "code_challenge_method must be S256"),
    Reason.SCOPE: ("invalid_scope", "there are no scopes here; use authorization_details"),
    Reason.TARGET: ("invalid_target", "resource must be the issuer, as the metadata says"),
    Reason.CLIENT_MISSING: (
        "invalid_client",
        "authenticate with private_key_jwt: client_assertion and client_assertion_type",
    ),
    Reason.CLIENT_UNKNOWN: ("invalid_client", "no such client is registered"),
    Reason.CLIENT_DIFFERS: (
        "invalid_client",
        "client_id must be the iss and the sub of the assertion",
    ),
    Reason.CLIENT_SUSPENDED: ("invalid_client", "this client has been suspended"),
    Reason.ASSERTION_MALFORMED: ("invalid_client", _ONLY),
    Reason.ASSERTION_KEY: (
        "invalid_client",
        "client_assertion: no registered key has this kid and alg",
    ),
    Reason.ASSERTION_SIGNATURE: ("invalid_client", "client_assertion: the signature is wrong"),
    Reason.ASSERTION_CLAIMS: (
        "invalid_client",
        "client_assertion: iss, sub, aud, exp and jti (up to 256 characters) must stand in it",
    ),
    Reason.ASSERTION_AUDIENCE: (
        "invalid_client",
        "client_assertion: aud must be the issuer, as a string and nothing else",
    ),
    Reason.ASSERTION_TIME: (
        "invalid_client",
        "client_assertion: expired, not valid yet, or valid for more than five minutes",
    ),
    Reason.ASSERTION_REPLAYED: ("invalid_client", "client_assertion: used before; make a new one"),
    Reason.PROOF_MISSING: ("invalid_dpop_proof", _DPOP + "exactly one proof must be sent"),
    Reason.PROOF_MALFORMED: (
        "invalid_dpop_proof",
        _DPOP + "a JWT of type dpop+jwt with jwk in its header, signed with ES256, PS256 or EdDSA",
    ),
    Reason.PROOF_KEY: (
        "invalid_dpop_proof",
        _DPOP + "jwk must be a public P-256, Ed25519 or RSA key and nothing more",
    ),
    Reason.PROOF_SIGNATURE: ("invalid_dpop_proof", _DPOP + "the signature is wrong"),
    Reason.PROOF_CLAIMS: (
        "invalid_dpop_proof",
        _DPOP + "jti (up to 256 characters), htm, htu and iat must stand in the proof",
    ),
    Reason.PROOF_METHOD: ("invalid_dpop_proof", _DPOP + "htm is not the method of the request"),
    Reason.PROOF_ADDRESS: (
        "invalid_dpop_proof",
        _DPOP + "htu is not the address of the request, by the issuer's host",
    ),
    Reason.PROOF_TIME: ("invalid_dpop_proof", _DPOP + "iat is more than a minute away"),
    Reason.PROOF_TOKEN: (
        "invalid_dpop_proof",
        _DPOP + "ath is not the hash of the access token",
    ),
    Reason.PROOF_REPLAYED: ("invalid_dpop_proof", _DPOP + "used before; make a new one"),
    Reason.PROOF_NONCE: ("use_dpop_nonce", _DPOP + "use the nonce of this answer's DPoP-Nonce"),
    Reason.PROOF_KEY_DIFFERS: ("invalid_dpop_proof", _DPOP + "the key is not that of dpop_jkt"),
    Reason.GRANT_TYPE_UNKNOWN: (
        "unsupported_grant_type",
        "grant_type: authorization_code, refresh_token or client_credentials",
    ),
    Reason.GRANT_TYPE_NOT_ALLOWED: (
        "unauthorized_client",
        "the client is not registered for this grant",
    ),
    Reason.REDIRECT_URI: ("invalid_request", "redirect_uri is not one of those registered"),
    Reason.PARAMETER_FORM: ("invalid_request", "a parameter has not the form it must have"),
    Reason.DETAILS: (
        "invalid_authorization_details",
        "authorization_details: not as the documentation says",
    ),
    Reason.DETAILS_TYPE: (
        "invalid_authorization_details",
        "authorization_details: the client is not registered for this type",
    ),
    Reason.SUBJECT_UNKNOWN: (
        "invalid_authorization_details",
        "authorization_details: nothing is held about such a subject",
    ),
    Reason.NOT_BY_LAW: (
        "invalid_authorization_details",
        "authorization_details: the law gives this organisation no ground for this purpose",
    ),
    Reason.CODE: (
        "invalid_grant",
        "the code is unknown, ended or used, or not for this client, address, verifier or key",
    ),
    Reason.REFRESH_TOKEN: (
        "invalid_grant",
        "the refresh token is unknown or ended, or not this client's",
    ),
    Reason.CONSENT_NOT_ACTIVE: ("invalid_grant", "the person's consent is not active"),
}


class OAuthError(Exception):
    """A refusal. `detail` is a fixed word of ours that narrows it down, never what came in."""

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(reason if detail is None else f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    @property
    def code(self) -> str:
        return ERRORS[self.reason][0]

    @property
    def description(self) -> str:
        text = ERRORS[self.reason][1]
        return text if self.detail is None else f"{text} ({self.detail})"


def error_answer(
    error: OAuthError, *, status: int | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    """The refusal as the client reads it (RFC 6749 section 5.2)."""
    content = {"error": error.code, "error_description": error.description}
    return Answer.json(content, status or _status(error), headers=(NO_STORE, *headers))


def _status(error: OAuthError) -> int:
    if error.reason is Reason.BODY_TOO_LARGE:
        return 413
    return 401 if error.code == "invalid_client" else 400

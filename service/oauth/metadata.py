"""What clients read before they begin: RFC 8414, OpenID Connect Discovery 1.0, RFC 9728, JWKS."""

from consent.client_metadata import DETAILS_TYPES
from policies.vocabulary import Language
from service.exchange import Answer
from service.jose import ALGORITHMS
from service.oauth.server import AuthorizationServer

_FOR_AN_HOUR = (b"cache-control", b"public, max-age=3600")
_SIGNED_WITH = sorted(ALGORITHMS)
_ENDPOINTS = {
    "pushed_authorization_request_endpoint": "/oauth/par",
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "introspection_endpoint": "/oauth/introspect",
    "revocation_endpoint": "/oauth/revoke",
    "jwks_uri": "/oauth/jwks",
}
_AUTHENTICATED = ("token", "introspection", "revocation")


def authorization_server(server: AuthorizationServer) -> dict[str, object]:
    """RFC 8414 section 2, with the members of the RFCs that we follow."""
    return {
        "issuer": server.issuer,
        **{name: server.issuer + path for name, path in _ENDPOINTS.items()},
        **{
            f"{name}_endpoint_auth_methods_supported": ["private_key_jwt"]
            for name in _AUTHENTICATED
        },
        **{
            f"{name}_endpoint_auth_signing_alg_values_supported": _SIGNED_WITH
            for name in _AUTHENTICATED
        },
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": list(DETAILS_TYPES),
        "dpop_signing_alg_values_supported": _SIGNED_WITH,
        "protected_resources": [server.issuer],
        "ui_locales_supported": [language.value for language in Language],
    }


def openid_configuration(server: AuthorizationServer) -> dict[str, object]:
    """The same at the other address (FAPI 2.0 section 5.3.2.1 point 1), with what it requires.

    We name people by pairwise subjects and give no ID tokens.
    """
    return {
        **authorization_server(server),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": True,
    }


def protected_resource(server: AuthorizationServer) -> dict[str, object]:
    """RFC 9728 section 2: the data API."""
    return {
        "resource": server.issuer,
        "authorization_servers": [server.issuer],
        "bearer_methods_supported": [],
        "dpop_bound_access_tokens_required": True,
        "dpop_signing_alg_values_supported": _SIGNED_WITH,
        "authorization_details_types_supported": list(DETAILS_TYPES),
        "resource_name": "Personal data with the person's consent or by law",
    }


def jwks(server: AuthorizationServer) -> dict[str, object]:
    """The keys that sign our receipts (RFC 7517 section 5)."""
    return {"keys": [server.runtime.receipt_signer.jwk()]}


def published(content: dict[str, object]) -> Answer:
    """Kept by caches for an hour."""
    return Answer.json(content, headers=(_FOR_AN_HOUR,))

"""The one table of who may come in where: a line for each route, or the service does not start.

A new endpoint is one line here beside its route. The gate (`service.gate`) enforces session, role
and level of assurance before the handler runs; endpoints of clients and tokens prove the caller
themselves, as the first of their numbered steps, since that proof is part of the protocol.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount

from policies.vocabulary import LevelOfAssurance, Role
from service.sessions import require_session


class Entry(StrEnum):
    """How a caller shows that it may come in."""

    PUBLIC = "public"
    """Anybody."""
    SESSION = "session"
    """A signed-in person."""
    CLIENT = "client"
    """A client that authenticates by `private_key_jwt` (RFC 7523)."""
    TOKEN = "token"  # noqa: S105  # a word, not a secret
    """The holder of an access token bound by DPoP (RFC 9449)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    method: str
    path: str
    entry: Entry
    role: Role | None = None
    loa: LevelOfAssurance = LevelOfAssurance.SUBSTANTIAL
    scope: str | None = None
    """What a token must be for: the `type` of its authorization details (RFC 9396)."""


class RoleRequiredError(Exception):
    """The page is for people with a role that this person does not have."""


class StepUpRequiredError(Exception):
    """The page needs a stronger sign-in than this session's."""


class AccessTableError(RuntimeError):
    """Routes without a line, or lines without a route: the service must not start like this."""

    def __init__(self, missing: Iterable[str], surplus: Iterable[str]) -> None:
        self.missing = sorted(missing)
        self.surplus = sorted(surplus)
        super().__init__(
            f"service/access.py: routes without a line: {', '.join(self.missing) or 'none'}; "
            f"lines without a route: {', '.join(self.surplus) or 'none'}"
        )


def public(method: str, path: str) -> Rule:
    return Rule(method, path, Entry.PUBLIC)


def person(method: str, path: str, *, role: Role = Role.CITIZEN) -> Rule:
    return Rule(method, path, Entry.SESSION, role=role)


def client(method: str, path: str) -> Rule:
    return Rule(method, path, Entry.CLIENT)


def token(method: str, path: str, *, scope: str = "personal_data") -> Rule:
    return Rule(method, path, Entry.TOKEN, scope=scope)


SERVER = (
    public("GET", "/healthz"),
    public("GET", "/readyz"),
    public("GET", "/metrics"),
    public("GET", "/openapi.json"),
)
OAUTH = (
    public("GET", "/.well-known/oauth-authorization-server"),
    public("GET", "/.well-known/openid-configuration"),
    public("GET", "/.well-known/oauth-protected-resource"),
    public("GET", "/oauth/jwks"),
    client("POST", "/oauth/par"),
    client("POST", "/oauth/token"),
    client("POST", "/oauth/introspect"),
    client("POST", "/oauth/revoke"),
    person("GET", "/oauth/authorize"),
    person("GET", "/oauth/return/{consent_id}"),
)
API = (
    token("GET", "/api/v1/data"),
    token("GET", "/api/v1/data/{dataset}"),
    client("GET", "/api/v1/events"),
    client("POST", "/api/v1/requests/cancel"),
    client("POST", "/api/v1/consents/status"),
    client("GET", "/api/v1/consents/{reference}"),
    token("PUT", "/api/v1/deposits/{dataset}", scope="deposit"),
    person("GET", "/api/v1/audit/state", role=Role.AUDITOR),
    person("POST", "/api/v1/audit/entries", role=Role.AUDITOR),
    person("POST", "/api/v1/audit/sample", role=Role.AUDITOR),
    person("GET", "/api/v1/operator/declarations", role=Role.OPERATOR),
    person("POST", "/api/v1/operator/declarations/{kind}", role=Role.OPERATOR),
    person("GET", "/api/v1/operator/declarations/{kind}/{id_}/{version}", role=Role.OPERATOR),
    person("PUT", "/api/v1/operator/declarations/{kind}/{id_}/{version}", role=Role.OPERATOR),
    person(
        "POST",
        "/api/v1/operator/declarations/{kind}/{id_}/{version}/{act}",
        role=Role.OPERATOR,
    ),
    person("GET", "/api/v1/operator/clients", role=Role.OPERATOR),
    person("POST", "/api/v1/operator/clients", role=Role.OPERATOR),
    person("PUT", "/api/v1/operator/clients/{client_id}/keys", role=Role.OPERATOR),
    person("POST", "/api/v1/operator/clients/{client_id}/suspend", role=Role.OPERATOR),
    person("GET", "/api/v1/operator/acts", role=Role.OPERATOR),
    person("POST", "/api/v1/operator/acts/{number}/{decision}", role=Role.OPERATOR),
    token("GET", "/api/v1/proofs/{event_id}"),
    person("GET", "/api/tracker/v2/findUsage"),
    person("GET", "/api/tracker/v2/usagePeriod"),
    public("GET", "/api/tracker/v2/heartbeat"),
)
LOG = (
    public("GET", "/audit/checkpoint"),
    public("GET", "/audit/tile/{name:path}"),
    public("GET", "/audit/logs"),
    public("GET", "/audit/logs/{log}/checkpoint"),
    public("GET", "/audit/logs/{log}/checkpoints"),
    public("GET", "/audit/logs/{log}/retention"),
    public("GET", "/audit/logs/{log}/tile/{name:path}"),
    public("GET", "/audit/logs/{log}/timestamps"),
    public("GET", "/audit/logs/{log}/timestamps/{size}"),
    public("GET", "/audit/logs/{log}/timestamps/{size}/{tsa}"),
    public("GET", "/audit/proof/{event_id}"),
)
PAGES = (
    public("GET", "/"),
    public("GET", "/static/{name}"),
    public("GET", "/problems/{problem_type}"),
    public("GET", "/{language:lang}/problems/{problem_type}"),
    public("GET", "/{language:lang}"),
    public("GET", "/{language:lang}/"),
    public("GET", "/{language:lang}/sign-in"),
    public("GET", "/sign-in/callback"),
    public("POST", "/{language:lang}/sign-out"),
    person("GET", "/{language:lang}/requests"),
    person("GET", "/{language:lang}/requests/{consent_id}"),
    person("POST", "/{language:lang}/requests/{consent_id}"),
    person("GET", "/{language:lang}/consents"),
    person("GET", "/{language:lang}/consents/{consent_id}"),
    person("POST", "/{language:lang}/consents/{consent_id}/withdraw"),
    person("POST", "/{language:lang}/consents/{consent_id}/pause"),
    person("POST", "/{language:lang}/consents/{consent_id}/resume"),
    person("POST", "/{language:lang}/consents/{consent_id}/narrow"),
    person("GET", "/{language:lang}/consents/{consent_id}/renew"),
    person("POST", "/{language:lang}/consents/{consent_id}/renew"),
    person("GET", "/{language:lang}/receipts"),
    person("GET", "/{language:lang}/receipts/{receipt_id}"),
    person("GET", "/{language:lang}/receipts/{receipt_id}/file"),
    person("GET", "/{language:lang}/receipts/{receipt_id}/as/{form}"),
    person("GET", "/{language:lang}/log"),
    person("GET", "/{language:lang}/log.csv"),
    person("GET", "/{language:lang}/log.json"),
    person("GET", "/{language:lang}/log.tracker.json"),
    person("GET", "/{language:lang}/log/{event_id}"),
    person("GET", "/{language:lang}/log/{event_id}/proof.json"),
    person("GET", "/{language:lang}/log/{event_id}/entry.txt"),
    person("GET", "/{language:lang}/data"),
    person("GET", "/{language:lang}/data/of/{attribute}"),
    person("POST", "/{language:lang}/data/of/{attribute}/dispute"),
    person("POST", "/{language:lang}/data/of/{attribute}/settle"),
    person("GET", "/{language:lang}/data/copy"),
    person("GET", "/{language:lang}/data/copy.html"),
    person("GET", "/{language:lang}/data/copy.json"),
    person("GET", "/{language:lang}/data/copy.jsonld"),
    person("GET", "/{language:lang}/data/copy.jws"),
    person("GET", "/{language:lang}/data/erase"),
    person("GET", "/{language:lang}/data/erase/{what}"),
    # Asks for the session itself: the form may have ended it a moment ago, sent twice.
    public("POST", "/{language:lang}/data/erase/{what}"),
    person("POST", "/{language:lang}/data/allow/{dataset}"),
    public("GET", "/{language:lang}/erasures/{erasure_id}"),
    public("GET", "/{language:lang}/erasures/{erasure_id}/file"),
    person("GET", "/{language:lang}/by-law"),
    person("GET", "/{language:lang}/settings"),
    person("POST", "/{language:lang}/settings/sessions/{session_id}/end"),
    person("GET", "/{language:lang}/audit", role=Role.AUDITOR),
    person("POST", "/{language:lang}/audit", role=Role.AUDITOR),
    person("POST", "/{language:lang}/audit/check", role=Role.AUDITOR),
    person("POST", "/{language:lang}/audit/sample", role=Role.AUDITOR),
    person("POST", "/{language:lang}/audit/sample/file", role=Role.AUDITOR),
    person("POST", "/{language:lang}/audit/export", role=Role.AUDITOR),
    person("GET", "/{language:lang}/operator", role=Role.OPERATOR),
    person("GET", "/{language:lang}/operator/consents", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/consents/{consent_id}", role=Role.OPERATOR),
    person(
        "POST", "/{language:lang}/operator/consents/{consent_id}/assessment", role=Role.OPERATOR
    ),
    person("GET", "/{language:lang}/operator/merges", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/merges/{number}/approve", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/merges/{number}/reject", role=Role.OPERATOR),
    person("GET", "/{language:lang}/operator/declarations", role=Role.OPERATOR),
    person("GET", "/{language:lang}/operator/declarations/new", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/declarations/new", role=Role.OPERATOR),
    person(
        "GET",
        "/{language:lang}/operator/declarations/{kind}/{id_}/{version}",
        role=Role.OPERATOR,
    ),
    person(
        "POST",
        "/{language:lang}/operator/declarations/{kind}/{id_}/{version}/{act}",
        role=Role.OPERATOR,
    ),
    person("GET", "/{language:lang}/operator/clients", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/clients/register", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/clients/keys", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/clients/suspend", role=Role.OPERATOR),
    person("GET", "/{language:lang}/operator/acts", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/acts/{number}/approve", role=Role.OPERATOR),
    person("POST", "/{language:lang}/operator/acts/{number}/reject", role=Role.OPERATOR),
)
"""Lines of the pages: one for each route of `service.citizen`, `auditor`, `operator`, sign-in."""

TABLE: tuple[Rule, ...] = (*SERVER, *OAUTH, *API, *LOG, *PAGES)


def check(rule: Rule, request: Request) -> None:
    """Raises SignInRequiredError, RoleRequiredError or StepUpRequiredError."""
    session = require_session(request)
    if rule.role is not None and rule.role not in session.roles:
        raise RoleRequiredError
    if session.loa < rule.loa:
        raise StepUpRequiredError


def check_table(routes: Iterable[BaseRoute], table: Iterable[Rule] = TABLE) -> None:
    """Every route has its line and every line its route. Raises AccessTableError."""
    lines = {f"{rule.method} {rule.path}" for rule in table}
    served = set(_served(routes))
    if lines != served:
        raise AccessTableError(missing=served - lines, surplus=lines - served)


def _served(routes: Iterable[BaseRoute]) -> Iterable[str]:
    for route in iter_route_contexts(list(routes)):
        if isinstance(route.original_route, Mount):
            yield f"GET {route.path}/{{path:path}}"
            continue
        for method in (route.methods or set()) - {"HEAD"}:
            yield f"{method} {route.path}"

"""An office with a program of its own in front of our endpoints, every message spoilable.

The service is real, on either database; the office signs what a client signs, and a test changes
any header, claim or parameter of it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.unit_of_work import begin
from consent.choices import give, withdraw
from consent.clients import register_client
from consent.conditions import Choice
from consent.purposes import register_purpose
from consent.pushed import open_request
from consent.tokens import issue_code
from policies.facts import Document, Fact
from policies.ids import AttributeId, ConsentId, PersonId, PurposeId, SessionId, new_uuid
from policies.vocabulary import AuthorityRank, Label, Language, LevelOfAssurance
from service.api.data import DataApi
from service.api.protected import ProtectedResource
from service.exchange import Answer, Call
from service.oauth import introspect, par, revoke, token
from service.oauth.server import AuthorizationServer, authorization_server
from service.runtime import Runtime, open_runtime
from service.settings import Settings
from tests.consent.flow import NEEDED, NOW, REDIRECT, VERIFIER, challenge, events, metadata
from tests.service.house import Clock
from vault.deposits import deposit
from vault.people import IDENTITY_SCHEME, enrol

ISSUER = "https://vault.example.fi"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PERSON = "010199-9012"
ENDPOINTS = {
    "/oauth/par": par.answer,
    "/oauth/token": token.answer,
    "/oauth/introspect": introspect.answer,
    "/oauth/revoke": revoke.answer,
}
DETAILS: dict[str, Any] = {
    "type": "personal_data",
    "actions": ["read"],
    "datatypes": list(NEEDED),
    "purpose": "debt-advice",
    "case": "2026/17",
}
BY_LAW: dict[str, Any] = {
    "type": "personal_data",
    "actions": ["read"],
    "datatypes": ["income.monthly_gross", "income.employer"],
    "purpose": "kela-income-check",
    "subject": {"format": "national_id", "scheme": IDENTITY_SCHEME, "id": PERSON},
}
DATA: dict[str, dict[str, Any]] = {
    "income": {"monthly_gross": 315_050, "employer": "Esimerkki Oy"},
    "residence": {"household_size": 3},
}
PUSHED: dict[str, str] = {
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "state": "state-1",
    "code_challenge": challenge(),
    "code_challenge_method": "S256",
    "authorization_details": json.dumps([DETAILS]),
}


def new_key(algorithm: str) -> Any:
    """A private key for ES256, EdDSA or PS256."""
    if algorithm == "ES256":
        return generate_private_key(SECP256R1())
    return Ed25519PrivateKey.generate() if algorithm == "EdDSA" else generate_rsa(65537, 2048)


def public_jwk(key: Any) -> dict[str, Any]:
    """The required members of a key's public half."""
    kinds: dict[str, Any] = {"ECPrivat": ECAlgorithm, "Ed25519P": OKPAlgorithm}
    kind = kinds.get(type(key).__name__[:8], RSAAlgorithm)
    made: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return {name: made[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in made}


@dataclass
class Program:
    """A client's program: its authentication key, and the key that its tokens are bound to."""

    client_id: str
    clock: Clock
    algorithm: str = "ES256"
    key: Any = None
    dpop_algorithm: str = "ES256"
    dpop_key: Any = field(default_factory=lambda: new_key("ES256"))

    def __post_init__(self) -> None:
        self.key = self.key or new_key(self.algorithm)

    def jwk(self) -> dict[str, Any]:
        return {**public_jwk(self.key), "kid": "key-1", "alg": self.algorithm, "use": "sig"}

    def assertion(self, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A fresh assertion; a claim or header member set to None is left out."""
        now = int(self.clock().timestamp())
        defaults = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
        }
        return self._sign(
            self.key, {"alg": self.algorithm, "kid": "key-1"}, header, defaults, claims
        )

    def proof(
        self,
        method: str,
        path: str,
        *,
        access_token: str | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A fresh DPoP proof; a claim or header member set to None is left out."""
        defaults: dict[str, Any] = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": ISSUER + path,
            "iat": int(self.clock().timestamp()),
        }
        if access_token is not None:
            digest = hashlib.sha256(access_token.encode()).digest()
            defaults["ath"] = jwt.utils.base64url_encode(digest).decode()
        own = {"alg": self.dpop_algorithm, "typ": "dpop+jwt", "jwk": public_jwk(self.dpop_key)}
        return self._sign(self.dpop_key, own, header, defaults, claims)

    @staticmethod
    def _sign(
        key: Any,
        own: dict[str, Any],
        header: Mapping[str, Any] | None,
        defaults: dict[str, Any],
        claims: dict[str, Any],
    ) -> str:
        members = {k: v for k, v in (own | dict(header or {})).items() if v is not None}
        payload = {k: v for k, v in (defaults | claims).items() if v is not None}
        headers = {"typ": None, **members}
        return jwt.PyJWS().encode(
            json.dumps(payload).encode(), key, algorithm=members["alg"], headers=headers
        )

    def form(
        self, path: str, parameters: Mapping[str, str | None], *, proofs: list[str] | None = None
    ) -> Call:
        """An authenticated request; a parameter set to None is left out."""
        authentication: dict[str, str | None] = {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        sent = {k: v for k, v in (authentication | dict(parameters)).items() if v is not None}
        made = [self.proof("POST", path)] if proofs is None else proofs
        headers = [(b"content-type", b"application/x-www-form-urlencoded")]
        headers += [(b"dpop", each.encode()) for each in made]
        return Call("POST", path, headers, b"", urlencode(sent).encode())

    def get(self, path: str, access_token: str, *, proofs: list[str] | None = None) -> Call:
        """A request with a token."""
        made = proofs or [self.proof("GET", path, access_token=access_token)]
        headers = [(b"authorization", f"DPoP {access_token}".encode())]
        return Call("GET", path, headers + [(b"dpop", each.encode()) for each in made])


@dataclass
class Office:
    """The service, one client of the debt counsellors and one of the benefits office."""

    runtime: Runtime
    server: AuthorizationServer
    data: DataApi
    clock: Clock
    program: Program
    authority: Program
    person: PersonId

    def send(self, call: Call) -> Answer:
        """Straight to the endpoint, without a framework."""
        if call.path.startswith("/api/v1/data/"):
            return self.data.fetch(call, call.path.removeprefix("/api/v1/data/"))
        if call.path == "/api/v1/data":
            return self.data.overview(call)
        return ENDPOINTS[call.path](self.server, call)

    def push(self, **changed: str | None) -> Answer:
        return self.send(self.program.form("/oauth/par", PUSHED | changed))

    def given(self, *, now: datetime | None = None, **changed: str | None) -> ConsentId:
        """A consent that the person gave to a pushed request."""
        request_uri = content(self.push(**changed))["request_uri"]
        session, at = SessionId(new_uuid()), now or self.clock()
        actor = Actor.person(self.person)
        with begin(self.runtime.ledger, actor=actor, now=at) as uow:
            consent = open_request(uow, request_uri, self.person, session)
            declared = self.runtime.catalogue.purpose(consent.purpose)
            choice = Choice(
                granted=consent.requested,
                not_after=None,
                language=Language.FI,
                notice_digest=declared.digest(),
                presentation_digest="a" * 64,
                shown_at=at - timedelta(minutes=1),
                loa=LevelOfAssurance.HIGH,
                session=session,
                actor=self.person,
            )
            give(uow, consent.id, choice)
        return consent.id

    def code(self, consent: ConsentId | None = None) -> str:
        """A code for a consent that was given."""
        id_, actor = consent or self.given(), Actor.person(self.person)
        with begin(self.runtime.ledger, actor=actor, now=self.clock()) as uow:
            return issue_code(uow, id_, person=self.person).code

    def redeem(self, code: str, /, **changed: str | None) -> Answer:
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return self.send(self.program.form("/oauth/token", parameters | changed))

    def tokens(self, consent: ConsentId | None = None) -> dict[str, Any]:
        return content(self.redeem(self.code(consent)))

    def by_law(self, **changed: object) -> Answer:
        parameters = {
            "grant_type": "client_credentials",
            "authorization_details": json.dumps([BY_LAW | changed]),
        }
        return self.send(self.authority.form("/oauth/token", parameters))

    def fetch(self, access_token: str, dataset: str = "income") -> Answer:
        return self.send(self.program.get(f"/api/v1/data/{dataset}", access_token))

    def withdraw(self, consent: ConsentId) -> None:
        actor = Actor.person(self.person)
        with begin(self.runtime.ledger, actor=actor, now=self.clock()) as uow:
            withdraw(uow, consent, person=self.person, loa=LevelOfAssurance.LOW)

    def events(self, kind: Kind) -> list[Entry]:
        return events(self.runtime.ledger, kind)


def content(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer."""
    made: dict[str, Any] = json.loads(answer.body)
    return made


def header(answer: Answer, name: str) -> str | None:
    """A header field of an answer, None when it is absent."""
    found = [value.decode() for key, value in answer.headers if key == name.encode()]
    return found[0] if found else None


def open_office(url: str, folder: Path, **settings: Any) -> Office:
    """The office on a database that has its tables."""
    clock = Clock(NOW)
    given: dict[str, Any] = {
        "base_url": ISSUER,
        "database_url": url,
        "data_folder": folder / "keys",
    }
    runtime = open_runtime(Settings(**(given | settings)), clock=clock)
    program = Program("debt-counsel-1", clock)
    authority = Program("kela-1", clock)
    with begin(runtime.ledger, actor=SYSTEM, now=NOW) as uow:
        for purpose in ("debt-advice", "kela-income-check", "kela-unemployment-benefit"):
            declared = runtime.catalogue.purpose(PurposeId(purpose))
            register_purpose(uow, declared, runtime.catalogue)
        for made, organisation in ((program, "debt-counsel"), (authority, "kela")):
            members = metadata(
                client_id=made.client_id, organisation=organisation, jwks={"keys": [made.jwk()]}
            )
            register_client(uow, members, runtime.catalogue)
    person = _person_with_data(runtime)
    server = authorization_server(runtime)
    data = DataApi(ProtectedResource(server))
    return Office(runtime, server, data, clock, program, authority, person)


def _person_with_data(runtime: Runtime) -> PersonId:
    with begin(runtime.ledger, actor=SYSTEM, now=NOW) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=PERSON)
        for dataset, values in DATA.items():
            deposit_values(uow, runtime, person, dataset, values)
    return person


def deposit_values(
    uow: Any,
    runtime: Runtime,
    person: PersonId,
    dataset: str,
    values: Mapping[str, Any],
    *,
    labels: frozenset[Label] = frozenset(),
) -> None:
    """What a register states of a person."""
    declared = next(each for each in runtime.catalogue.datasets.values() if each.id == dataset)
    facts = tuple(
        Fact(
            attribute=AttributeId(f"{dataset}.{name}"),
            value=value,
            source=declared.source,
            authority=AuthorityRank.AUTHORITATIVE_REGISTER,
            observed_at=NOW - timedelta(days=4),
            labels=labels,
        )
        for name, value in values.items()
    )
    digest = hashlib.sha256(repr((dataset, sorted(values.items()))).encode()).digest()
    deposit(uow, runtime.vault, person, Document(declared.id, declared.source, facts, digest))

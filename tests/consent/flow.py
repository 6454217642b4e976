"""The way from a registered client to a token, step by step, for tests that start in its middle.

Everything goes through the public functions of the room, on a real database.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm
from sqlalchemy import Connection

from audit.model import SYSTEM, Actor, Entry, Event, Kind
from audit.reader import search
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.authorization_details import AuthorizationDetails
from consent.choices import give, withdraw
from consent.clients import client, register_client
from consent.conditions import Choice
from consent.decisions import Denial, Permit, decide_fetch
from consent.grants import Grant, TokenAccess
from consent.model import Client, Consent, ConsentRecord
from consent.purposes import purpose, register_purpose
from consent.pushed import PushedRequest, open_request, push
from consent.tokens import access, issue_code, redeem_code, refresh
from policies.catalogue import Catalogue, load_catalogue
from policies.ids import AttributeId, ClientId, ConsentId, PersonId, PurposeId, SessionId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import Language, LevelOfAssurance

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
VERIFIER = "v" * 43
JKT = "k" * 43
REDIRECT = "https://agency.example/callback"
DEBT_ADVICE = PurposeId("debt-advice")
GROSS = AttributeId("income.monthly_gross")
BENEFIT = AttributeId("income.benefit_monthly")
YEARLY = AttributeId("income.yearly_total")
HOUSEHOLD = AttributeId("residence.household_size")
ASKED = (GROSS, BENEFIT, YEARLY, HOUSEHOLD)
NEEDED = (GROSS, BENEFIT, HOUSEHOLD)


@cache
def catalogue() -> Catalogue:
    """The real catalogue."""
    return load_catalogue()


@cache
def public_key(kid: str = "key-1") -> dict[str, Any]:
    """A client's public key."""
    key = generate_private_key(SECP256R1()).public_key()
    return {**ECAlgorithm.to_jwk(key, as_dict=True), "kid": kid, "alg": "ES256", "use": "sig"}


def metadata(**changed: object) -> dict[str, object]:
    """Metadata of a client that may do everything; a member set to None is left out."""
    members: dict[str, object] = {
        "client_id": "debt-counsel-1",
        "client_name": "Debt counselling case system",
        "organisation": "debt-counsel",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "dpop_bound_access_tokens": True,
        "jwks": {"keys": [public_key()]},
    }
    return {name: value for name, value in (members | changed).items() if value is not None}


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Given:
    """A consent that was given, with a token."""

    person: PersonId
    client: Client
    record: ConsentRecord
    grant: Grant
    access: TokenAccess


class Flow:
    """One ledger, one client, one purpose; each step is a unit of work of its own."""

    def __init__(
        self, ledger: Ledger, purpose_id: PurposeId = DEBT_ADVICE, **client_members: object
    ) -> None:
        self.ledger = ledger
        self.session = SessionId(uuid4())
        declared = catalogue().purpose(purpose_id)
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            register_purpose(uow, declared, catalogue())
            self.client = register_client(uow, metadata(**client_members), catalogue())
        self.purpose_id = purpose_id

    def declaration(self) -> PurposeDeclaration:
        with self.ledger.read() as connection:
            found = purpose(connection, self.purpose_id)
        assert found is not None
        return found

    def person(self) -> PersonId:
        return PersonId(uuid4())

    def request(self, **changed: Any) -> PushedRequest:
        """The parameters of a request; `details_…` change the authorization details."""
        details = {k[8:]: changed.pop(k) for k in list(changed) if k.startswith("details_")}
        defaults: dict[str, Any] = {
            "client": self.client.id,
            "redirect_uri": REDIRECT,
            "state": "state-1",
            "nonce": None,
            "code_challenge": challenge(),
            "dpop_jkt": JKT,
            "details": AuthorizationDetails(
                **({"purpose": self.purpose_id, "attributes": ASKED} | details)
            ),
        }
        return PushedRequest(**(defaults | changed))

    def push(self, *, now: datetime = NOW, **changed: Any) -> str:
        with begin(self.ledger, actor=Actor.client(self.client.id), now=now) as uow:
            return push(uow, self.client, self.request(**changed))

    def open(self, person: PersonId, *, now: datetime = NOW, **changed: Any) -> Consent:
        """A consent that waits for the person's answer."""
        request_uri = self.push(now=now, **changed)
        with begin(self.ledger, actor=Actor.person(person), now=now) as uow:
            return open_request(uow, request_uri, person, self.session)

    def choice(self, person: PersonId, *, now: datetime = NOW, **changed: Any) -> Choice:
        """Everything needed and nothing else, at high assurance, just shown."""
        defaults: dict[str, Any] = {
            "granted": NEEDED,
            "not_after": None,
            "language": Language.FI,
            "notice_digest": self.declaration().digest(),
            "presentation_digest": "a" * 64,
            "shown_at": now - timedelta(minutes=1),
            "loa": LevelOfAssurance.HIGH,
            "session": self.session,
            "actor": person,
        }
        return Choice(**(defaults | changed))

    def give(
        self, consent_id: ConsentId, person: PersonId, *, now: datetime = NOW, **changed: Any
    ) -> ConsentRecord:
        with begin(self.ledger, actor=Actor.person(person), now=now) as uow:
            return give(uow, consent_id, self.choice(person, now=now, **changed))

    def code(self, consent_id: ConsentId, person: PersonId, *, now: datetime = NOW) -> str:
        with begin(self.ledger, actor=Actor.person(person), now=now) as uow:
            return issue_code(uow, consent_id, person=person).code

    def redeem(self, uow: UnitOfWork, code: str, **changed: Any) -> Any:
        defaults: dict[str, Any] = {
            "client": self.client,
            "code_verifier": VERIFIER,
            "redirect_uri": REDIRECT,
            "jkt": JKT,
        }
        return redeem_code(uow, code, **(defaults | changed))

    def given(
        self,
        *,
        now: datetime = NOW,
        granted: tuple[AttributeId, ...] = NEEDED,
        person: PersonId | None = None,
        **changed: Any,
    ) -> Given:
        """The whole way: pushed, opened, given, code redeemed."""
        who = person or self.person()
        consent = self.open(who, now=now, **changed)
        record = self.give(consent.id, who, now=now, granted=granted)
        code = self.code(consent.id, who, now=now)
        with begin(self.ledger, actor=Actor.client(self.client.id), now=now) as uow:
            grant = self.redeem(uow, code)
        assert isinstance(grant, Grant)
        return Given(who, self.client, record, grant, self.access(grant))

    def refreshed(self, given: Given, *, now: datetime = NOW) -> Grant:
        """A new access token by the refresh token."""
        assert given.grant.refresh_token is not None
        with begin(self.ledger, actor=Actor.client(given.client.id), now=now) as uow:
            grant = refresh(uow, given.grant.refresh_token, client=given.client, jkt=JKT)
        assert isinstance(grant, Grant)
        return grant

    def access(self, grant: Grant) -> TokenAccess:
        with self.ledger.read() as connection:
            found = access(connection, grant.access_token)
        assert found is not None
        return found

    def fetch(
        self,
        token: TokenAccess,
        requested: tuple[AttributeId, ...] = (GROSS,),
        *,
        now: datetime = NOW,
    ) -> Permit | Denial:
        """Decide, and record the release in the vault's place."""
        with begin(self.ledger, actor=Actor.client(token.client), now=now) as uow:
            decision = decide_fetch(uow, token, requested)
            if isinstance(decision, Permit):
                uow.record(Event(kind=Kind.DATA_RELEASED, subject=token.person))
        return decision

    def withdraw(self, given: Given, *, now: datetime = NOW) -> ConsentRecord:
        with begin(self.ledger, actor=Actor.person(given.person), now=now) as uow:
            loa = LevelOfAssurance.LOW
            return withdraw(uow, given.record.consent, person=given.person, loa=loa)

    def client_now(self, client_id: ClientId) -> Client:
        with self.ledger.read() as connection:
            found = client(connection, client_id)
        assert found is not None
        return found


def events(ledger: Ledger, kind: Kind) -> list[Entry]:
    """What the log says of a kind, oldest first."""
    with ledger.read() as connection:
        return search(connection, ledger, kind=kind)[::-1]


def drop_triggers(connection: Connection, table: str) -> None:
    """Somebody with all rights on the database makes an insert-only table changeable."""
    statements = {
        "sqlite": [
            f"DROP TRIGGER IF EXISTS {table}_no_update",
            f"DROP TRIGGER IF EXISTS {table}_no_delete",
        ],
        "postgresql": [f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}"],
    }
    for statement in statements[connection.dialect.name]:
        connection.exec_driver_sql(statement)

"""Requests, answers and fetches of the demo's first day, by the functions that the doors use.

So that the log has something to tell before anybody has clicked: requests that wait, one consent
that was given and used for each citizen, one fetch by law.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from audit.model import Actor
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.choices import give
from consent.clients import Client, client
from consent.conditions import Choice
from consent.decisions import Denial, decide_fetch
from consent.grants import Grant, TokenRefusal
from consent.model import Consent, ConsentRecord
from consent.pushed import PushedRequest, open_request, push
from consent.reading import consents_of
from consent.receipts import issue_receipt
from consent.tokens import access, issue_code, issue_statutory_token, redeem_code
from policies.ids import ClientId, PersonId, PurposeId
from policies.vocabulary import Language, LegalBasis, LevelOfAssurance, Necessity
from service.citizen.question import Asked, asked, look
from service.demo.agencies import DemoAgency, agency, read, redirect_uri, verifier
from service.demo.folder import DemoFolder
from service.model import Limits
from service.runtime import Runtime
from service.sessions import Session, SignedIn, end, hash_token, new_token, start
from vault.release import release

WAITING = {
    "matti": ("kela", "debt-counsel"),
    "aino": ("food-authority",),
    "helena": ("clinic-koivu",),
    "ville": ("city-social",),
}
"""Whose answer which agencies wait for."""
ANSWERED = {
    "matti": "employment-services",
    "aino": "bank-example",
    "helena": "debt-counsel",
    "ville": "debt-counsel",
}
"""Who has answered whom before."""
BY_LAW = {"matti": "kela", "helena": "city-social", "ville": "city-social"}
"""Whose data was fetched on the ground of the law."""


@dataclass(frozen=True, slots=True)
class FirstDay:
    """Plays the first day of one demo."""

    runtime: Runtime
    folder: DemoFolder
    agency_port: int

    def has_asked(self, person: PersonId, organisation: str) -> bool:
        """True when an interrupted start came as far as this request."""
        with self.runtime.ledger.read() as connection:
            found = consents_of(connection, person)
        return any(each.organisation == organisation for each in found)

    def wait(self, person: PersonId, organisation: str) -> Consent:
        """An agency asks, the person has opened the request and not answered yet."""
        return self._asked(self._signed_in(person), agency(organisation))

    def answer(self, person: PersonId, organisation: str) -> None:
        """The person gives what is needed; the agency redeems its code and fetches once."""
        asking, session = agency(organisation), self._signed_in(person)
        consent = self._asked(session, asking)
        self._give(session, consent)
        grant = self._redeemed(session, consent, asking)
        self._fetch(grant)
        with begin(self.runtime.ledger, actor=session.actor, now=self.runtime.now()) as uow:
            end(uow, session.id, person=person, reason="signed-out")

    def fetch_by_law(self, person: PersonId, organisation: str) -> None:
        """The agency fetches what the law gives it."""
        asking = agency(organisation)
        if asking.by_law is None:
            raise RuntimeError(f"{organisation} has no ground in law")
        registered, details = self._client(asking), self._details(asking.by_law)
        actor = Actor.client(registered.id)
        with begin(self.runtime.ledger, actor=actor, now=self.runtime.now()) as uow:
            given = issue_statutory_token(uow, registered, details, person, jkt=_thumbprint())
        self._fetch(_granted(given))

    def _signed_in(self, person: PersonId) -> Session:
        now = self.runtime.now()
        signed_in = SignedIn(
            person=person,
            loa=LevelOfAssurance.HIGH,
            auth_time=now,
            language=Language.FI,
            browser_hash=hash_token(new_token()),
        )
        with begin(self.runtime.ledger, actor=Actor.person(person), now=now) as uow:
            session, _ = start(uow, signed_in, Limits.from_settings(self.runtime.settings))
        return session

    def _asked(self, session: Session, asking: DemoAgency) -> Consent:
        registered, now = self._client(asking), self.runtime.now()
        with begin(self.runtime.ledger, actor=Actor.client(registered.id), now=now) as uow:
            request_uri = push(uow, registered, self._request(registered, asking))
        with begin(self.runtime.ledger, actor=session.actor, now=now) as uow:
            return open_request(uow, request_uri, session.person, session.id)

    def _request(self, registered: Client, asking: DemoAgency) -> PushedRequest:
        state = secrets.token_urlsafe(16)
        challenge = hashlib.sha256(self._verifier(asking, state).encode()).digest()
        return PushedRequest(
            client=registered.id,
            redirect_uri=redirect_uri(self.agency_port),
            state=f"{asking.organisation}.{state}",
            nonce=None,
            code_challenge=base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            dpop_jkt=None,
            details=self._details(asking.asks),
        )

    def _give(self, session: Session, consent: Consent) -> ConsentRecord:
        runtime = self.runtime
        with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
            question = asked(uow.connection, runtime.catalogue, session, consent.id)
            seen = look(
                uow, runtime.vault, session, question, language=session.language, reveal=True
            )
            choice = self._choice(session, question, seen.presentation_digest)
            record = give(uow, consent.id, choice)
            issue_receipt(uow, record, runtime.receipt_signer)
        return record

    def _choice(self, session: Session, question: Asked, presentation_digest: str) -> Choice:
        return Choice(
            granted=tuple(each.id for each in question.requested(Necessity.REQUIRED)),
            not_after=None,
            language=session.language,
            notice_digest=question.declaration.digest(),
            presentation_digest=presentation_digest,
            shown_at=session.started_at,
            loa=session.loa,
            session=session.id,
            actor=session.person,
        )

    def _redeemed(self, session: Session, consent: Consent, asking: DemoAgency) -> Grant:
        ledger, registered = self.runtime.ledger, self._client(asking)
        with begin(ledger, actor=session.actor, now=self.runtime.now()) as uow:
            code = issue_code(uow, consent.id, person=session.person)
        state = (code.state or "").partition(".")[2]
        with begin(ledger, actor=Actor.client(registered.id), now=self.runtime.now()) as uow:
            given = redeem_code(
                uow,
                code.code,
                client=registered,
                code_verifier=self._verifier(asking, state),
                redirect_uri=code.redirect_uri,
                jkt=_thumbprint(),
            )
        return _granted(given)

    def _fetch(self, grant: Grant) -> None:
        with self.runtime.ledger.read() as connection:
            token = access(connection, grant.access_token)
        if token is None:
            raise RuntimeError("a token that was just issued is unknown")
        actor = Actor.client(token.client)
        with begin(self.runtime.ledger, actor=actor, now=self.runtime.now()) as uow:
            decision = decide_fetch(uow, token, token.attributes)
            if isinstance(decision, Denial):
                raise RuntimeError(f"the demo's own fetch was refused: {decision.reason}")
            release(uow, self.runtime.vault, decision)

    def _client(self, asking: DemoAgency) -> Client:
        with self.runtime.ledger.read() as connection:
            found = client(connection, ClientId(asking.client_id))
        if found is None:
            raise RuntimeError("the demo's agencies are registered before they ask")
        return found

    def _details(self, purpose: PurposeId) -> AuthorizationDetails:
        declaration = self.runtime.catalogue.purpose(purpose)
        return AuthorizationDetails(
            purpose=purpose,
            attributes=tuple(each.id for each in declaration.attributes),
            case=None if declaration.basis is LegalBasis.CONSENT else "DEMO-2026-001",
        )

    def _verifier(self, asking: DemoAgency, state: str) -> str:
        return verifier(read(self.folder, asking)["key"], state)


def _granted(given: Grant | TokenRefusal) -> Grant:
    if isinstance(given, TokenRefusal):
        raise RuntimeError(f"the demo's own agency was refused: {given.reason}")
    return given


def _thumbprint() -> str:
    """A key that exists for one fetch (RFC 7638 form); nobody can use its token afterwards."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()

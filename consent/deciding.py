"""Asks the policies: the facts of rows that are locked here in, one answer out.

Facts are read in the transaction that acts on the answer, and none is made up: what is missing is
left out of the question, and the policies permit nothing without it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.unit_of_work import Ledger, UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.declared import DeclarationKind, DeclarationStatus
from consent.events import policy
from consent.grants import TokenAccess
from consent.model import Client, ClientStatus, Consent
from consent.store import declarations, purposes
from consent.store.tokens import FetchState, GrantState
from policies.decision_point import DecisionPoint, packaged_decision_point
from policies.decisions import Decision
from policies.ids import AttributeId, PurposeId
from policies.purposes import PurposeDeclaration
from policies.questions import Action, DeclarationFacts, GrantFacts, Question, TokenFacts, order
from policies.vocabulary import LegalBasis

CLOCK_SKEW = timedelta(seconds=2)
"""How far the clocks of two of our processes may differ: a token from beyond is from the future."""

_DECLARED: dict[str, DeclarationFacts] = {}
"""Facts of declarations by the digest of the declaration, which binds all of it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decisions on all data sets that were asked for; the first is the one to be told of."""

    decisions: tuple[Decision, ...]

    @property
    def allowed(self) -> bool:
        """Only when every one of them allows, and there is one."""
        return bool(self.decisions) and all(each.allowed for each in self.decisions)

    @property
    def reason(self) -> str:
        return self.decisions[0].reason

    @property
    def marks(self) -> tuple[str, ...]:
        """What events say of it: by which policies, from which facts."""
        return tuple(dict.fromkeys(mark for each in self.decisions for mark in each.marks))


def decided_by(
    uow: UnitOfWork, verdict: Verdict, purpose: PurposeId, version: int | None
) -> tuple[str, ...]:
    """The rules of an event that a decision stands behind."""
    return (*policy(uow, purpose, version), *verdict.marks)


def decision_point(ledger: Ledger) -> DecisionPoint:
    """By which policies this installation decides."""
    return ledger.decisions or packaged_decision_point()


def ask_fetch(
    uow: UnitOfWork, access: TokenAccess, state: FetchState, requested: Collection[AttributeId]
) -> Verdict:
    """May the bearer of this token have these attributes now?"""
    point = decision_point(uow.ledger)
    asked = Question(
        action=Action.FETCH,
        client=access.client,
        kind=point.kind(access.organisation),
        standing=_standing(state.client),
        dataset="",
        requested=(),
        purpose=access.purpose,
        basis=access.basis,
        declaration=_declared(uow.connection, access, state),
        grant=_own_grant(access, state.consent, uow.now),
        token=TokenFacts(
            attributes=access.attributes,
            issued=order(access.issued_at - CLOCK_SKEW, uow.now),
            expires=order(state.expires_at, uow.now),
            revoked=state.revoked_at is not None,
        ),
    )
    return Verdict(point.decide_all(_by_dataset(asked, requested)))


def ask_by_consent(uow: UnitOfWork, client: Client, consent: Consent) -> Verdict:
    """May this client get a token for what the person has given?"""
    asked = _token_question(uow, client, consent.purpose, consent.basis)._replace(
        declaration=_declared_for(uow.connection, consent),
        grant=_grant(consent, uow.now, own=True),
    )
    return Verdict(decision_point(uow.ledger).decide_all(_by_dataset(asked, consent.granted)))


def ask_by_law(
    uow: UnitOfWork,
    client: Client,
    details: AuthorizationDetails,
    declaration: PurposeDeclaration | None,
) -> Verdict:
    """May this client get a token for what it asks by law, or on another ground without a choice?

    The ground follows from the declaration, never from the request; and only its own organisation
    can stand on it.
    """
    named = _own(declaration, client, details.purpose)
    basis = LegalBasis.STATUTE if named is None else named.basis
    asked = _token_question(uow, client, details.purpose, basis)
    if named is not None:
        approved = DeclarationStatus.APPROVED
        asked = asked._replace(declaration=DeclarationFacts.of(named, approved))
    return Verdict(decision_point(uow.ledger).decide_all(_by_dataset(asked, details.attributes)))


def _own(
    declaration: PurposeDeclaration | None, client: Client, purpose: PurposeId
) -> PurposeDeclaration | None:
    if declaration is None or declaration.id != purpose:
        return None
    return declaration if declaration.organisation == client.organisation else None


def _token_question(
    uow: UnitOfWork, client: Client, purpose: PurposeId, basis: LegalBasis
) -> Question:
    return Question(
        action=Action.ISSUE_TOKEN,
        client=client.id,
        kind=decision_point(uow.ledger).kind(client.organisation),
        standing=_standing(client.status),
        dataset="",
        requested=(),
        purpose=purpose,
        basis=basis,
        declaration=None,
        grant=None,
        token=None,
    )


def _standing(status: ClientStatus) -> ClientStatus:
    """The policies know a stopped client, not what it waits for."""
    return ClientStatus.SUSPENDED if status is ClientStatus.AWAITING_KEYS else status


def _by_dataset(asked: Question, requested: Collection[AttributeId]) -> Iterable[Question]:
    """The question once for each data set; once for none, so that nothing is refused unheard."""
    sets: dict[str, list[str]] = {}
    for attribute in requested:
        sets.setdefault(attribute.partition(".")[0], []).append(attribute)
    for dataset, attributes in (sets or {"": []}).items():
        yield asked._replace(dataset=dataset, requested=tuple(attributes))


def _declared(
    connection: Connection, access: TokenAccess, state: FetchState
) -> DeclarationFacts | None:
    """What the declaration of a token allows; None when it is not known which that was."""
    digest = state.declaration
    if digest is None or access.purpose_version is None:
        return None
    known = _DECLARED.get(digest)
    if known is None:
        found = purposes.of_version(connection, access.purpose, access.purpose_version)
        if found is None or found.digest() != digest:
            return None
        known = _DECLARED.setdefault(digest, DeclarationFacts.of(found, ""))
    return known._replace(status=state.purpose)


def _declared_for(connection: Connection, consent: Consent) -> DeclarationFacts | None:
    """What the declaration allows in the version that the person read, and whether any counts."""
    counting = purposes.in_force(connection, consent.purpose)
    if counting is not None and counting.version == consent.purpose_version:
        return DeclarationFacts.of(counting, DeclarationStatus.APPROVED)
    read = purposes.of_version(connection, consent.purpose, consent.purpose_version)
    if read is None:
        return None
    status = declarations.status_of(connection, DeclarationKind.PURPOSE, consent.purpose)
    return DeclarationFacts.of(read, status or DeclarationStatus.RETIRED)


def _own_grant(access: TokenAccess, of: GrantState | None, now: datetime) -> GrantFacts | None:
    return None if of is None else _grant(of, now, own=of.person == access.person)


def _grant(of: GrantState | Consent, now: datetime, *, own: bool) -> GrantFacts:
    """The facts of a consent, from the row of a fetch or from the whole of it."""
    return GrantFacts(
        own=own,
        client=of.client,
        purpose=of.purpose,
        basis=of.basis,
        state=of.status,
        granted=of.granted,
        not_before=_order(of.not_before, now),
        not_after=_order(of.not_after, now),
        uses_left=_any_left(of.uses_left),
    )


def _order(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else order(moment, now)


def _any_left(uses: int | None) -> int | None:
    return None if uses is None else min(uses, 1)

"""A request as the person sees it before answering, and the proof of what she saw.

What is shown is put into canonical JSON and bound to the answer by a keyed digest: what the
person saw is what she agreed to. The digest travels inside the one-time form, under its MAC.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files

from sqlalchemy import Connection

from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.clients import client
from consent.conditions import Choice, ChoiceError, Question, longest_end
from consent.model import OPEN, Consent
from consent.purposes import purpose_version
from consent.reading import consent
from consent.request_limits import unusual
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.entries import Organisation
from policies.ids import AttributeId, ConsentId, PersonId
from policies.limits import Limit
from policies.purposes import PurposeDeclaration, RequestedAttribute
from policies.vocabulary import Language, Necessity
from service.citizen.facts import Shown, State, see, versions_digest
from service.forms import Form
from service.model import Session
from vault.holdings import describe
from vault.vault import Vault

TEMPLATE = "request@4"
"""Name and version of the template; a change of what it says is a new version."""
FILE = "citizen/request.html"
NAME = (AttributeId("person.given_names"), AttributeId("person.family_name"))


class NoSuchRequestError(LookupError):
    """There is no such request, or it is another person's: the error does not tell which."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its declaration, before anything is opened."""

    question: Question
    organisation: Organisation

    @property
    def consent(self) -> Consent:
        return self.question.waiting

    @property
    def declaration(self) -> PurposeDeclaration:
        return self.question.declaration

    def requested(self, necessity: Necessity) -> list[RequestedAttribute]:
        """The attributes of this request with this necessity, in the declaration's order."""
        return [
            each
            for each in self.declaration.attributes
            if each.id in self.consent.requested and each.necessity is necessity
        ]

    def end(self, now: datetime) -> datetime:
        """When a consent that is given now ends."""
        return longest_end(self.question, now)

    def span(self, now: datetime) -> timedelta:
        return self.end(now) - now

    def is_open(self, now: datetime) -> bool:
        return self.consent.status in OPEN and now < self.consent.expires_at

    def is_put_off(self, now: datetime) -> bool:
        """The person wants to see it later: until then it is left out of her overview."""
        return self.consent.remind_at is not None and now < self.consent.remind_at

    @property
    def unusual(self) -> tuple[Limit, ...]:
        """The limits by which it asks for more than is usual."""
        asked = self.consent
        details = AuthorizationDetails(
            purpose=asked.purpose,
            attributes=asked.requested,
            not_after=asked.requested_not_after,
            uses=asked.uses_allowed,
        )
        return unusual(self.organisation.kind, details, self.declaration, asked.created_at)

    def needs_step_up(self, session: Session) -> bool:
        return session.loa < self.declaration.required_loa


@dataclass(frozen=True, slots=True)
class Seen:
    """What was opened for the page, and the digests that bind it to the answer."""

    shown: dict[AttributeId, Shown]
    name: str
    presentation_digest: str
    versions: str
    notice: str

    @property
    def bound(self) -> str:
        """All of it, for the one-time form; `bound` reads it when the form comes back."""
        return f"{self.presentation_digest}:{self.versions}:{self.notice}"

    @property
    def has_masked(self) -> bool:
        return any(each.state is State.MASKED for each in self.shown.values())


def asked(
    connection: Connection, catalogue: Catalogue, session: Session, consent_id: ConsentId
) -> Asked:
    """The person's request. Raises NoSuchRequestError."""
    found = consent(connection, consent_id)
    if found is None or found.person != session.person:
        raise NoSuchRequestError
    declaration = purpose_version(connection, found.purpose, found.purpose_version)
    asking = client(connection, found.client)
    if declaration is None or asking is None:
        raise RuntimeError("a consent stands for a purpose or client that was never registered")
    question = Question(found, declaration, asking)
    return Asked(question, catalogue.organisation(found.organisation))


def look(
    uow: UnitOfWork,
    vault: Vault,
    session: Session,
    request: Asked,
    *,
    language: Language,
    reveal: bool,
    template: str = TEMPLATE,
) -> Seen:
    """Open the values for the page, and bind them to the answer that will come."""
    wanted = request.consent.requested
    opened = {
        each.attribute.id: each
        for each in see(uow, vault, session, (*NAME, *wanted), reveal=reveal)
    }
    shown = {id_: opened[id_] for id_ in wanted}
    presentation = _presentation(request, shown, template, language=language, now=uow.now)
    return Seen(
        shown=shown,
        name=" ".join(str(opened[id_].fact.value) for id_ in NAME if opened[id_].fact),  # type: ignore[union-attr]  # asked in the same line
        presentation_digest=uow.keyed_digest(session.person, "presentation", presentation),
        versions=versions_digest(describe(uow.connection, session.person), wanted),
        notice=request.declaration.digest(),
    )


def bound(shown: str) -> tuple[str, str, str]:
    """The digests of what was seen: presentation, versions, notice. One that is absent is empty,
    and so is none that counts."""
    presentation, _, rest = shown.partition(":")
    versions, _, notice = rest.partition(":")
    return presentation, versions, notice


def check_same_values(
    uow: UnitOfWork, person: PersonId, attributes: Collection[AttributeId], form: Form
) -> None:
    """What is agreed to must be what was seen: a source may have stated something new since.

    Raises ChoiceError.
    """
    now_held = versions_digest(describe(uow.connection, person), attributes)
    _, seen, _ = bound(form.shown)
    if now_held != seen:
        raise ChoiceError("notice-not-current")


def choice_of(
    form: Form,
    language: Language,
    granted: tuple[AttributeId, ...],
    *,
    choices: tuple[AttributeId, ...] = (),
    template: str = TEMPLATE,
    file: str = FILE,
) -> Choice:
    """What the person answered on the page that bound this form; `choices` could be ticked."""
    presentation, _, notice = bound(form.shown)
    return Choice(
        granted=granted,
        not_after=None,
        language=language,
        notice_digest=notice,
        presentation_digest=presentation,
        shown_at=form.given_at,
        loa=form.session.loa,
        session=form.session.id,
        actor=form.session.person,
        template=template,
        template_digest=template_digest(file),
        choices=choices,
    )


@cache
def template_digest(own: str) -> str:
    """SHA-256, in hexadecimal, of the files from which the page is made, one after another."""
    folder = files("service").joinpath("templates")
    made_from = (folder.joinpath(each) for each in ("base.html", "ui.html", own))
    return sha256(b"".join(each.read_bytes() for each in made_from)).hexdigest()


def _presentation(
    request: Asked,
    shown: dict[AttributeId, Shown],
    template: str,
    *,
    language: Language,
    now: datetime,
) -> bytes:
    return canonical_json(
        {
            "template": template,
            "language": language.value,
            "notice": request.declaration.digest(),
            "consent": str(request.consent.id),
            "ends": request.end(now).isoformat(),
            "attributes": [_item(each) for each in shown.values()],
            "unusual": [each.id for each in request.unusual],
        }
    )


def _item(shown: Shown) -> dict[str, object]:
    item: dict[str, object] = {"id": shown.attribute.id, "state": shown.state.value}
    if shown.fact is not None:
        value = shown.fact.value
        item |= {
            "value": list(value) if isinstance(value, tuple) else value,
            "source": shown.fact.source,
            "observed_at": shown.fact.observed_at.isoformat(),
        }
    return item

"""What must hold for a consent to be given: one function for each condition, in one list.

GDPR articles 4(11), 7 and 9; EDPB guidelines 05/2020. What the declaration must hold (another
way for those who refuse, plain texts) was checked when it was registered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.model import Client, ClientStatus, Consent
from consent.record import Mode, Presentation
from policies.ids import AttributeId, PersonId, SessionId
from policies.minimisation import missing_required
from policies.purposes import PurposeDeclaration
from policies.vocabulary import Language, LevelOfAssurance

SHOWN_FOR = timedelta(minutes=30)
"""How long after the notice was shown an answer still belongs to it."""


class ChoiceError(ValueError):
    """The choice cannot be taken; `reason` says why, and nothing has changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the person answered, and what this session showed her before."""

    granted: tuple[AttributeId, ...]
    not_after: datetime | None
    """An earlier end than the longest that is possible; None takes the longest."""
    language: Language
    notice_digest: str
    presentation_digest: str
    shown_at: datetime
    loa: LevelOfAssurance
    session: SessionId
    actor: PersonId
    mode: Mode = Mode.WEB
    template: str = ""
    """Name and version of what the page was made from, and the digest of its files."""
    template_digest: str = ""
    choices: tuple[AttributeId, ...] = ()
    """What could be ticked."""

    @property
    def presentation(self) -> Presentation:
        return Presentation(
            notice_digest=self.notice_digest,
            presentation_digest=self.presentation_digest,
            language=self.language,
            shown_at=self.shown_at,
            session=self.session,
            mode=self.mode,
            template=self.template,
            template_digest=self.template_digest,
            choices=self.choices,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What waits for an answer, with the declaration in force and the client that asks."""

    waiting: Consent
    declaration: PurposeDeclaration
    client: Client


def check_conditions(question: Question, choice: Choice, now: datetime) -> None:
    """Raise ChoiceError with the first condition that does not hold."""
    for condition in _CONDITIONS:
        condition(question, choice, now)


def longest_end(question: Question, now: datetime) -> datetime:
    """The latest end that declaration and request allow."""
    end = now + timedelta(days=question.declaration.max_validity_days)
    asked = question.waiting.requested_not_after
    return end if asked is None else min(end, asked)


def _notice_is_current(question: Question, choice: Choice, _now: datetime) -> None:
    declaration = question.declaration
    if question.waiting.purpose_version != declaration.version:
        raise ChoiceError("notice-not-current")
    if choice.notice_digest != declaration.digest():
        raise ChoiceError("notice-not-current")


def _notice_was_just_shown(_question: Question, choice: Choice, now: datetime) -> None:
    if not now - SHOWN_FOR <= choice.shown_at <= now:
        raise ChoiceError("notice-not-just-shown")


def _assurance_is_enough(question: Question, choice: Choice, _now: datetime) -> None:
    if choice.loa < question.declaration.required_loa:
        raise ChoiceError("assurance-too-low")


def _client_is_active(question: Question, _choice: Choice, _now: datetime) -> None:
    if question.client.status is not ClientStatus.ACTIVE:
        raise ChoiceError("client-suspended")


def _within_request(question: Question, choice: Choice, _now: datetime) -> None:
    if not choice.granted:
        raise ChoiceError("nothing-granted")
    if not set(choice.granted) <= set(question.waiting.requested):
        raise ChoiceError("outside-request")


def _needed_is_there(question: Question, choice: Choice, _now: datetime) -> None:
    missing = missing_required(choice.granted, question.declaration)
    if set(missing) & set(question.waiting.requested):
        raise ChoiceError("needed-missing")


def _ends_in_time(question: Question, choice: Choice, now: datetime) -> None:
    if choice.not_after is None:
        return
    if not now < choice.not_after <= longest_end(question, now):
        raise ChoiceError("end-not-possible")


_CONDITIONS: tuple[Callable[[Question, Choice, datetime], None], ...] = (
    _notice_is_current,
    _notice_was_just_shown,
    _assurance_is_enough,
    _client_is_active,
    _within_request,
    _needed_is_there,
    _ends_in_time,
)

"""Words for the codes that events hold: what happened, why, and on which ground."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from audit.model import Entry, Kind
from audit.own_log import DamagedEntry, OwnEntry
from policies.catalogue import Catalogue
from policies.entries import Attribute, Organisation
from policies.event_texts import load_event_texts
from policies.ids import AttributeId, OrganisationId, PurposeId
from policies.messages import Message
from policies.purposes import PurposeDeclaration
from policies.reasons import load_reasons
from policies.vocabulary import Language, LegalBasis
from service.i18n import N_, texts

BASES: Mapping[LegalBasis, str] = {
    LegalBasis.CONSENT: N_("your consent"),
    LegalBasis.PERMISSION: N_("your permission to transfer"),
    LegalBasis.REQUEST: N_("your own request"),
    LegalBasis.STATUTE: N_("by law"),
    LegalBasis.CONTRACT: N_("your contract"),
    LegalBasis.VITAL: N_("danger to life or health"),
}
"""A ground in two or three words; a law is named as one and never as a choice."""

REFUSALS = frozenset({Kind.DATA_REFUSED, Kind.TOKEN_REFUSED, Kind.REQUEST_REFUSED})
"""Tries that gave nothing."""

ANSWERS = frozenset({Kind.CONSENT_GIVEN, Kind.CONSENT_REFUSED, Kind.CONSENT_WITHDRAWN})


_SAID_ELSEWHERE = {
    "request-client-suspended": "client-suspended",
    "request-of-another-person": "wrong-person",
}
"""Reasons of a request that was not opened, and the codes whose words say the same."""


@cache
def event_texts() -> Mapping[Kind, Message]:
    """What happened, for every kind of event."""
    loaded = load_event_texts()
    return {kind: loaded[kind.value] for kind in Kind}


@cache
def reasons() -> Mapping[str, Message]:
    """Why, for every reason code that a person may meet."""
    return load_reasons()


class LineState(StrEnum):
    """What can be said of an entry."""

    READABLE = "readable"
    ERASED = "erased"
    """Its key is destroyed: it stands there, and what it said is gone."""
    DAMAGED = "damaged"
    """It is not as it was written."""


_UNREADABLE: Mapping[LineState, tuple[str, str]] = {
    LineState.ERASED: (
        N_("Details erased"),
        N_("What stood here was erased when its time was over. The line itself stays."),
    ),
    LineState.DAMAGED: (
        N_("This line was changed"),
        N_("What is stored here is not what was written. So nothing of it is shown."),
    ),
}
"""Name and sentence of an entry that tells nothing any more."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words."""

    number: int
    event_id: str
    at: datetime
    kind: Kind | None
    name: str
    sentence: str
    reason: str
    """In words for the person; empty where the code is none of a decision."""
    code: str | None
    organisation: Organisation | None
    purpose: PurposeDeclaration | None
    basis: LegalBasis | None
    attributes: tuple[Attribute, ...]
    case: str | None
    index: int | None
    log: str | None = None
    client: str | None = None
    visible_from: datetime | None = None
    """Until when a law kept it from the person; None where none did."""
    state: LineState = LineState.READABLE

    @property
    def refused(self) -> bool:
        return self.kind in REFUSALS


def line(
    catalogue: Catalogue,
    purposes: Mapping[PurposeId, PurposeDeclaration],
    entry: OwnEntry,
    language: Language,
) -> Line:
    """An entry in words. One whose key is destroyed, or that was changed, says only that.

    `purposes` are those in force: an operator may register others than the catalogue holds.
    """
    if isinstance(entry, DamagedEntry):
        return _unreadable(entry, LineState.DAMAGED, language)
    if not entry.fields:
        return _unreadable(entry, LineState.ERASED, language)
    return _readable(catalogue, purposes, entry, language)


def _unreadable(entry: OwnEntry, state: LineState, language: Language) -> Line:
    name, sentence = map(texts(language).gettext, _UNREADABLE[state])
    return Line(
        number=entry.number,
        event_id=str(entry.event_id),
        at=entry.at,
        kind=None,
        name=name,
        sentence=sentence,
        reason="",
        code=None,
        organisation=None,
        purpose=None,
        basis=None,
        attributes=(),
        case=None,
        index=entry.index,
        log=entry.log,
        state=state,
    )


def _readable(
    catalogue: Catalogue,
    purposes: Mapping[PurposeId, PurposeDeclaration],
    entry: Entry,
    language: Language,
) -> Line:
    organisation = catalogue.organisations.get(OrganisationId(entry.get("organisation") or ""))
    purpose = purposes.get(PurposeId(entry.get("purpose") or ""))
    places = _places(organisation, purpose, language)
    text = event_texts()[entry.kind] if entry.kind else None
    basis, later = entry.get("basis"), entry.get("visible_from")
    return Line(
        number=entry.number,
        event_id=str(entry.event_id),
        at=entry.at,
        kind=entry.kind,
        name=text.name.in_language(language) if text else "",
        sentence=text.in_words(language, places) if text else "",
        reason=_reason(entry, places, language),
        code=entry.get("reason"),
        organisation=organisation,
        purpose=purpose,
        basis=LegalBasis(basis) if basis else None,
        attributes=tuple(
            catalogue.attributes[AttributeId(each)]
            for each in entry.many("attributes")
            if each in catalogue.attributes
        ),
        case=entry.get("case"),
        index=entry.index,
        log=entry.log,
        client=entry.get("client"),
        visible_from=datetime.fromisoformat(later) if later else None,
    )


def _places(
    organisation: Organisation | None, purpose: PurposeDeclaration | None, language: Language
) -> dict[str, str]:
    named = {
        "organisation": organisation and organisation.name,
        "law": purpose and purpose.law,
    }
    return {name: text.in_language(language) for name, text in named.items() if text}


def reason_for_person(code: str) -> str:
    """The code whose words explain this one: what exactly a proof lacked is for programs."""
    if code.startswith("proof-"):
        return "proof-not-valid"
    return _SAID_ELSEWHERE.get(code, code)


def _reason(entry: Entry, places: dict[str, str], language: Language) -> str:
    """Why, in words; where the person herself answered, what happened says it already."""
    message = reasons().get(reason_for_person(entry.get("reason") or ""))
    if message is None or entry.kind in ANSWERS:
        return ""
    return message.in_words(language, places)

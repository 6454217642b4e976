"""Who has got what of a person's data, as the log tells, and telling them (GDPR article 19).

Every release is an event that names the client and the attributes, so nothing is written at a
release for this, and nobody is left out. What went out under the id of somebody who was joined to
her counts as well. Each telling is an event of its own, so that the person sees who was told.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from audit.model import Entry, Event, Kind
from audit.reader import entries_about
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.joint import JOINTLY_RELEASED
from consent.notice import Notice, Told
from consent.notices import tell
from policies.ids import (
    AttributeId,
    ClientId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
)
from vault.names import NOWHERE, Subjects, who_before

REASONS = {
    Told.DISPUTED: "told-of-dispute",
    Told.SETTLED: "told-of-settlement",
    Told.RESTATED: "told-of-restatement",
    Told.ERASED: "told-of-erasure",
    Told.RENAMED: "told-of-new-name",
}
_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A client that has got data of a person; purpose and case are those of its newest release."""

    client: ClientId
    organisation: OrganisationId | None
    attributes: tuple[AttributeId, ...] = ()
    """What it has got, by name."""
    purpose: PurposeId | None = None
    case: str | None = None
    visible_from: datetime | None = None
    """When the last law that keeps a release of this back from her lets her see it: what tells of
    the recipient must not do so before."""

    def is_visible(self, now: datetime) -> bool:
        """Whether she may know of it."""
        return self.visible_from is None or self.visible_from <= now


def recipients(
    uow: UnitOfWork,
    person: PersonId,
    *,
    of: Collection[AttributeId] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Recipient]:
    """Everybody who has got one of these attributes, or anything, in that time, or ever."""
    turn_to(uow.connection, person)
    found: dict[ClientId, list[Entry]] = {}
    for each in (person, *who_before(uow.connection, person)):
        for released in _releases(uow, each, since):
            client = released.get("client")
            too_late = until is not None and released.at > until
            if client is not None and not too_late and _of(released, of):
                found.setdefault(ClientId(client), []).append(released)
    return [_recipient(client, got, of) for client, got in found.items()]


def tell_recipient(
    uow: UnitOfWork,
    person: PersonId,
    recipient: Recipient,
    what: Told,
    *,
    about: EventId,
    reason: str | None = None,
    subjects: Subjects = NOWHERE,
) -> None:
    """Put a notice into the recipient's feed, with its event in the person's log.

    `subjects` are the names of the person that its reader will not find any more.
    """
    event_id = uow.record(
        Event(
            kind=Kind.RECIPIENT_TOLD,
            subject=person,
            organisation=recipient.organisation,
            client=recipient.client,
            purpose=recipient.purpose,
            attributes=recipient.attributes,
            reason=REASONS[what],
            case=recipient.case,
            reference=str(about),
            visible_from=recipient.visible_from,
        )
    )
    notice = Notice(
        client=recipient.client,
        what=what,
        person=person,
        attributes=recipient.attributes,
        at=uow.now,
        about=about,
        purpose=recipient.purpose,
        case=recipient.case,
        reason=reason,
        subject=subjects.own,
        former_subjects=subjects.former,
    )
    tell(uow, notice, event_id)


def _of(released: Entry, of: Collection[AttributeId] | None) -> set[AttributeId]:
    """What of these attributes, or of all, was released."""
    got = {AttributeId(name) for name in released.many("attributes")}
    return got if of is None else got.intersection(of)


def _recipient(client: ClientId, got: list[Entry], of: Collection[AttributeId] | None) -> Recipient:
    newest = max(got, key=lambda each: each.at)
    organisation, purpose = newest.get("organisation"), newest.get("purpose")
    kept_back = [later for each in got if (later := each.get("visible_from")) is not None]
    return Recipient(
        client=client,
        attributes=tuple(sorted({name for each in got for name in _of(each, of)})),
        organisation=None if organisation is None else OrganisationId(organisation),
        purpose=None if purpose is None else PurposeId(purpose),
        case=newest.get("case"),
        visible_from=max(map(datetime.fromisoformat, kept_back), default=None),
    )


def _releases(uow: UnitOfWork, person: PersonId, since: datetime | None) -> Iterator[Entry]:
    """What was released under that id since then, newest first.

    Not what stands in her log because another person's record was about her as well: nothing of
    hers went out there, and the client need not know who she is.
    """
    before: int | None = None
    while True:
        page = entries_about(
            uow.connection,
            uow.ledger,
            person,
            before=before,
            limit=_PAGE,
            kinds=[Kind.DATA_RELEASED],
        )
        yield from (
            each
            for each in page
            if (since is None or each.at >= since) and each.get("reason") != JOINTLY_RELEASED
        )
        if len(page) < _PAGE or (since is not None and page[-1].at < since):
            return
        before = page[-1].number

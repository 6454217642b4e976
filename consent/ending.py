"""The end of everything that a person's data could be given out on: when all of it is erased.

What waits for her answer lapses, since nobody is left to give one; what she gave ends, by herself
or by who orders it; and tokens by law end too. In the transaction of the erasure, so that nothing
can be fetched after it.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.replaying import changed_since
from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.grounds import LegalGround, Suspension, SuspensionGround
from consent.journaling import attributes_of
from consent.lifecycle import Party
from consent.model import LIVE, OPEN, Command, Consent, Status
from consent.store import consents, records, tokens
from policies.ids import ConsentId, PersonId

_UNANSWERED = OPEN - {Status.PENDING_JOINT}
_GIVEN = LIVE | {Status.PENDING_JOINT}


def end_consents(uow: UnitOfWork, person: PersonId, *, by: Party) -> tuple[ConsentId, ...]:
    """End the person's consents and requests, locked in the order of their ids.

    Gives the consents that were in force. An answer that comes at the same moment waits here, and
    then finds its request closed.
    """
    herself = by is Party.SUBJECT
    command = Command.WITHDRAW if herself else Command.REVOKE
    ground = None if herself else LegalGround.ERASURE
    ended = []
    for each in consents.lock_unended(uow.connection, person):
        if each.status in _UNANSWERED:
            change(uow, replace(each, expires_at=uow.now), Command.TIME_OUT, party=Party.CLOCK)
        else:
            change(uow, each, command, party=by, ground=ground)
            ended.append(each.id)
    return tuple(ended)


def end_by_death(uow: UnitOfWork, person: PersonId, *, reference: str) -> tuple[ConsentId, ...]:
    """End everything that rests on the person's own answers, since she has died.

    The population register has said so; `reference` is the number of its message. What the law
    allows is not touched. Gives the consents and requests that ended.
    """
    uow.record(Event(kind=Kind.PERSON_DIED, subject=person, case=reference))
    ended = consents.lock_unended(uow.connection, person)
    for each in ended:
        change(uow, each, Command.SUBJECT_DIED, party=Party.REGISTRY)
    return tuple(each.id for each in ended)


def end_tokens(uow: UnitOfWork, person: PersonId) -> int:
    """End every token about the person, those by law too; how many. After all locks are taken:
    tokens that were issued meanwhile are seen then."""
    return tokens.revoke_of_person(uow.connection, person, at=uow.now)


def stands(connection: Connection, consent_id: ConsentId) -> bool:
    """Whether the consent is in force here, though perhaps only for a while not."""
    found = consents.find(connection, consent_id)
    return found is not None and found.status in _GIVEN


def end_again(uow: UnitOfWork, consent_id: ConsentId, *, withdrawn: bool) -> bool:
    """End a consent that is known to have ended and stands in force: a backup brought it back.

    No consent comes back to life, so whichever version stands here now, it may not. False when
    there is nothing to end.
    """
    standing = consents.lock(uow.connection, consent_id)
    if standing is None or standing.status not in _GIVEN:
        return False
    if withdrawn:
        change(uow, standing, Command.WITHDRAW, party=Party.SUBJECT)
    else:
        ground = LegalGround.ENDED_BEFORE
        change(uow, standing, Command.REVOKE, party=Party.SYSTEM, ground=ground)
    return True


def goes_on(
    connection: Connection, consent_id: ConsentId, since: datetime, stopped: Suspension
) -> bool:
    """Whether the consent is in force here, as it was before that time, or somebody else has
    stopped it: a pause of then is not known of.

    With its purpose it stops by itself (`consent.following`), so that takes nobody's place.
    """
    found = consents.find(connection, consent_id)
    if found is None or found.status not in LIVE:
        return False
    if found.suspended is None:
        return not changed_since(connection, consents.changed_by(connection, consent_id), since)
    if stopped.ground is SuspensionGround.PURPOSE_SUSPENDED or found.suspended == stopped:
        return False
    return not _was_stopped(connection, consent_id, stopped, since)


def _was_stopped(
    connection: Connection, consent_id: ConsentId, stopped: Suspension, since: datetime
) -> bool:
    """Whether the records know that it was stopped so since then."""
    stops = (
        each.content["events"][-1]
        for each in records.of_consent(connection, consent_id)
        if each.status is Status.SUSPENDED and each.at >= since
    )
    hers = stopped.by is Party.SUBJECT
    return any(
        each.get("event_ground") == stopped.ground and (hers or each["entity_id"] == stopped.by)
        for each in stops
    )


def pause_again(uow: UnitOfWork, consent_id: ConsentId, stopped: Suspension) -> None:
    """Stop a consent that is known to have been stopped: a backup let it go on, or had it stopped
    by somebody who had let it go on before."""
    standing = _going(uow, consents.lock_known(uow.connection, consent_id))
    if standing.status is Status.ACTIVE:
        change(uow, standing, Command.SUSPEND, party=stopped.by, ground=stopped.ground)


def gives_more(connection: Connection, consent_id: ConsentId, bits: int) -> bool:
    """Whether the consent gives more here than those bits of what was asked."""
    found = consents.find(connection, consent_id)
    if found is None or found.status not in LIVE:
        return False
    return not set(found.granted) <= set(attributes_of(found.requested, bits))


def narrow_again(uow: UnitOfWork, consent_id: ConsentId, bits: int) -> None:
    """Take out again what is known to have been taken out; whoever has stopped it meanwhile keeps
    it stopped."""
    found = consents.lock_known(uow.connection, consent_id)
    standing = _going(uow, found)
    if standing.status is not Status.ACTIVE:
        return
    kept = attributes_of(standing.requested, bits)
    left = tuple(each for each in standing.granted if each in kept)
    refused = tuple(each for each in standing.requested if each not in left)
    to = replace(standing, granted=left, refused=refused)
    narrowed, _ = change(uow, standing, Command.NARROW, party=Party.SUBJECT, to=to)
    if found.suspended is not None:
        stopped = found.suspended
        change(uow, narrowed, Command.SUSPEND, party=stopped.by, ground=stopped.ground)


def _going(uow: UnitOfWork, standing: Consent) -> Consent:
    """Let a consent go on, only for what else is done to it in this transaction. One whose time is
    over has its end instead."""
    if standing.suspended is None:
        return standing
    if standing.not_after is not None and uow.now >= standing.not_after:
        return change(uow, standing, Command.REACH_END, party=Party.CLOCK)[0]
    return change(uow, standing, Command.RESUME, party=standing.suspended.by)[0]

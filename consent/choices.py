"""The person's choices: give, give in part, refuse, withdraw; and the ends that time brings.

Giving has conditions, listed in one place in `consent.conditions`. Withdrawing has one: it is
hers. It is as easy as giving (GDPR article 7(3)), works at any level of assurance, may be
repeated, and kills tokens and codes in its own transaction.
"""

from dataclasses import replace

from audit.unit_of_work import UnitOfWork
from consent.changes import Answer, change
from consent.conditions import Choice, ChoiceError, Question, check_conditions, longest_end
from consent.lifecycle import Party, apply
from consent.model import LIVE, OPEN, Command, Consent, ConsentRecord, Status
from consent.presenting import keep_presentation
from consent.store import clients, consents, purposes, records, tokens
from policies.ids import ConsentId, PersonId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LevelOfAssurance

__all__ = [
    "Choice",
    "ChoiceError",
    "UnknownConsentError",
    "expire_due",
    "give",
    "own",
    "recorded",
    "refuse",
    "withdraw",
]


class UnknownConsentError(LookupError):
    """There is no such consent, or it is another person's: the error does not tell which."""


def give(uow: UnitOfWork, consent_id: ConsentId, choice: Choice) -> ConsentRecord:
    """Take the consent, whole or in part. Raises ChoiceError and the errors of the lifecycle.

    A live consent of the same person for the same purpose of the same organisation is superseded.
    """
    waiting, same = _locked(uow, consent_id, choice.actor)
    apply(waiting, Command.GIVE, party=Party.SUBJECT, now=uow.now)
    declaration = purposes.in_force(uow.connection, waiting.purpose)
    if declaration is None:
        # Suspended or retired since it was asked: nobody agrees to what does not count.
        raise ChoiceError("declaration-not-in-force")
    question = _question(uow, waiting, declaration)
    check_conditions(question, choice, uow.now)
    given = replace(
        waiting,
        granted=tuple(each for each in waiting.requested if each in choice.granted),
        refused=tuple(each for each in waiting.requested if each not in choice.granted),
        not_before=uow.now,
        not_after=choice.not_after or longest_end(question, uow.now),
    )
    _replace_others(uow, given, same)
    return _answer(uow, question, given, Command.GIVE, choice)


def refuse(uow: UnitOfWork, consent_id: ConsentId, choice: Choice) -> ConsentRecord:
    """Refuse everything that was asked; what was ticked is not looked at.

    Raises UnknownConsentError and the errors of the lifecycle.
    """
    waiting, _ = _locked(uow, consent_id, choice.actor)
    # No needs no notice in force: what is refused is the one that was shown.
    shown = purposes.of_version(uow.connection, waiting.purpose, waiting.purpose_version)
    refused = replace(waiting, refused=waiting.requested)
    return _answer(uow, _question(uow, waiting, shown), refused, Command.REFUSE, choice)


def withdraw(
    uow: UnitOfWork, consent_id: ConsentId, *, person: PersonId, loa: LevelOfAssurance
) -> ConsentRecord:
    """End the consent now. Repeated, it gives the same record and changes nothing.

    Raises UnknownConsentError and IllegalTransitionError.
    """
    standing = own(consents.lock(uow.connection, consent_id), person)
    if standing.status is Status.WITHDRAWN:
        return recorded(records.find(uow.connection, consent_id, standing.version))
    _, record = change(uow, standing, Command.WITHDRAW, party=Party.SUBJECT, loa=loa)
    return recorded(record)


def expire_due(uow: UnitOfWork, *, limit: int = 100) -> int:
    """End what has reached its end: consents expire, unanswered requests lapse. How many.

    Fetches look at the clock themselves, so nothing depends on how soon this runs.
    """
    due = consents.lock_due(uow.connection, now=uow.now, limit=limit)
    for each in due:
        command = Command.TIME_OUT if each.status in OPEN else Command.REACH_END
        change(uow, each, command, party=Party.CLOCK)
    return len(due)


def _replace_others(uow: UnitOfWork, given: Consent, same: list[Consent]) -> None:
    for other in same:
        if other.id == given.id or other.status not in LIVE:
            continue
        if other.id == given.follows:
            # The client was told of no code for what the vault asked by itself: its refresh token
            # goes on, by the new notice and for what was given now.
            tokens.hand_over(uow.connection, other.id, given)
        change(uow, other, Command.REPLACE, party=Party.SYSTEM)


def own(found: Consent | None, person: PersonId) -> Consent:
    """The consent, if it is the person's. Raises UnknownConsentError."""
    if found is None or found.person != person:
        raise UnknownConsentError
    return found


def _locked(
    uow: UnitOfWork, consent_id: ConsentId, person: PersonId
) -> tuple[Consent, list[Consent]]:
    """The consent and those for the same purpose, locked, as they are after waiting for it.

    One that is not among them has ended meanwhile. It is only read: to lock it now would be out of
    the order of ids, and two answers could wait for each other.
    """
    seen = own(consents.find(uow.connection, consent_id), person)
    same = consents.lock_same_purpose(uow.connection, seen)
    locked = next((each for each in same if each.id == consent_id), None)
    return locked or own(consents.find(uow.connection, consent_id), person), same


def _question(
    uow: UnitOfWork, waiting: Consent, declaration: PurposeDeclaration | None
) -> Question:
    asking = clients.find(uow.connection, waiting.client)
    if declaration is None or asking is None:
        raise RuntimeError("a consent stands for a purpose or client that was never registered")
    return Question(waiting, declaration, asking)


def _answer(
    uow: UnitOfWork, question: Question, answered: Consent, command: Command, choice: Choice
) -> ConsentRecord:
    answer = Answer(answered, question.declaration, question.client.party, choice.presentation)
    _, record = change(
        uow, question.waiting, command, party=Party.SUBJECT, answer=answer, loa=choice.loa
    )
    made = recorded(record)
    keep_presentation(uow, made, question.declaration, choice.presentation)
    return made


def recorded(record: ConsentRecord | None) -> ConsentRecord:
    """The record that a change of an answered consent has made."""
    if record is None:
        raise RuntimeError("a consent that was answered has no record")
    return record

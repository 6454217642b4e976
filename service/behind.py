"""Before anybody is served: is this database an older copy than its journal outside knows?

`consent-vault restore` sees to it by itself. But a file may be copied back by hand, and a restore
may be cut off half way. Then erased people, ended consents, clients and roles would live again, and
with them the sessions and tokens of that day, so all of it ends before the first request is taken.
"""

from collections.abc import Sequence

import structlog

from audit.journal_line import Told
from audit.model import SYSTEM, Actor, Event, Kind
from audit.outside_journal import OutsideJournal
from audit.replaying import Replayed, Words, is_behind, replay_words
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from consent.handles import end_handles
from consent.notices import skip_places
from service.erasing import drop_copies, let_go
from service.roles import WORDS as OF_ROLES
from service.runtime import Runtime
from service.store import sessions
from vault.replay import words

_log = structlog.get_logger(__name__)


def catch_up(runtime: Runtime) -> None:
    """Do again what an older copy has forgotten; nothing where it knows it all.

    Raises JournalError, UnknownDatasetError and a SealError: then nobody is to be served.
    """
    journal = journal_of(runtime)
    with runtime.ledger.read(EVERYONE) as connection:
        if not is_behind(connection, words_of(runtime), journal):
            return
    _log.error("database-behind-its-journal")
    end_all(runtime, reference=None, actor=SYSTEM)
    done = replay_all(runtime, [journal], actor=SYSTEM)
    drop_copies(runtime)
    again = {name: number for name, number in counted(done).items() if number}
    _log.error("journal-replayed", **again)


def end_all(runtime: Runtime, *, reference: str | None, actor: Actor) -> int:
    """End all sessions, access tokens and codes; gives how many there were.

    Feeds go on behind what their readers may have read of what is forgotten here: else they would
    never see what comes in the same places.
    """
    with begin(runtime.ledger, actor=actor, now=runtime.now()) as uow:
        ended = end_handles(uow) + sessions.end_all(uow.connection, now=uow.now)
        skip_places(uow)
        uow.record(Event(kind=Kind.BACKUP_RESTORED, reference=reference))
    return ended


def words_of(runtime: Runtime) -> Words:
    """All words of the journal."""
    return {**words(runtime.vault, also=let_go), **OF_ROLES}


def replay_all(runtime: Runtime, journals: Sequence[OutsideJournal], *, actor: Actor) -> Replayed:
    """Replay all journals as one."""
    return replay_words(runtime.ledger, words_of(runtime), journals, now=runtime.now(), actor=actor)


def counted(done: Replayed) -> dict[str, int]:
    """How many of each kind of thing were done again, by the names that programs read."""
    numbers = dict.fromkeys(map(_name, Told), 0)
    for each in done.done:
        numbers[_name(each)] += 1
    return numbers


def _name(word: Told) -> str:
    return _TOGETHER.get(word, f"{word.replace('-', '_')}_again")


_TOGETHER = {
    Told.PERSON_ERASED: "erased_again",
    Told.DATASET_ERASED: "erased_again",
    Told.LOG_FORGOTTEN: "erased_again",
    Told.CONSENT_WITHDRAWN: "consents_ended_again",
    Told.CONSENT_ENDED: "consents_ended_again",
    Told.VALUE_DISPUTED: "disputes_again",
    Told.DISPUTE_SETTLED: "disputes_again",
}


def journal_of(runtime: Runtime) -> OutsideJournal:
    """The journal that this installation writes."""
    journal = runtime.ledger.journal
    if journal is None:
        raise RuntimeError("an installation has a journal")
    return journal

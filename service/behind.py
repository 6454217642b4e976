"""Before anybody is served: is this database an older copy than its journal outside knows?

`consent-vault restore` sees to it by itself. But a file may be copied back by hand, and a restore
may be cut off half way. Then erased people and ended consents would live again, and with them the
sessions and tokens of that day, so all of it ends before the first request is taken.
"""

from collections.abc import Sequence

import structlog

from audit.model import SYSTEM, Actor, Event, Kind
from audit.outside_journal import OutsideJournal
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from consent.handles import end_handles
from service.erasing import let_go
from service.runtime import Runtime
from service.store import sessions
from vault.replay import Replayed, is_behind, replay

_log = structlog.get_logger(__name__)


def catch_up(runtime: Runtime) -> None:
    """Do again what an older copy has forgotten; nothing where it knows it all.

    Raises JournalError, UnknownDatasetError and KeyNotRenewedError: then nobody is to be served.
    """
    journal = journal_of(runtime)
    with runtime.ledger.read(EVERYONE) as connection:
        if not is_behind(connection, journal):
            return
    _log.error("database-behind-its-journal")
    end_all(runtime, reference=None, actor=SYSTEM)
    done = replay_all(runtime, [journal], actor=SYSTEM)[0]
    _log.error("journal-replayed", erased=done.erased, ended=done.ended)


def end_all(runtime: Runtime, *, reference: str | None, actor: Actor) -> int:
    """End all sessions, access tokens and codes; gives how many there were."""
    with begin(runtime.ledger, actor=actor, now=runtime.now()) as uow:
        ended = end_handles(uow) + sessions.end_all(uow.connection, now=uow.now)
        uow.record(Event(kind=Kind.BACKUP_RESTORED, reference=reference))
    return ended


def replay_all(
    runtime: Runtime, journals: Sequence[OutsideJournal], *, actor: Actor
) -> list[Replayed]:
    """Replay each journal."""
    return [
        replay(runtime.ledger, runtime.vault, each, now=runtime.now(), actor=actor, also=let_go)
        for each in journals
    ]


def journal_of(runtime: Runtime) -> OutsideJournal:
    """The journal that this installation writes."""
    journal = runtime.ledger.journal
    if journal is None:
        raise RuntimeError("an installation has a journal")
    return journal

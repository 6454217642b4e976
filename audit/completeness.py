"""Is the log complete: every effect with its event, every event with its leaf, and back.

The tree proves that what is in it stays. That nothing was left out of it is asked here, by holding
the rows of all rooms against the log. It reads pages in the order of keys, each in a snapshot of
its own, so that it needs little memory, holds nobody up and can stop and go on anywhere. It only
tells; whoever repaired by machine what does not fit would wipe out the trace.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.check_cursor import Cursor, CursorError, Key, KeyPart
from audit.check_report import Finding, Found, Gap, Report
from audit.disclosure import leaf
from audit.effects import EffectTable, ReadExpected, ReadUsed, RoomEffects, Used
from audit.merkle import leaf_hash
from audit.model import Kind
from audit.promise import MERGE_DELAY, Promise
from audit.reader import entries_about, entry, search
from audit.scope import EVERYONE
from audit.seal import SealedEventError
from audit.store import completeness as store
from audit.store import tree
from audit.store.completeness import EventState, LeafState, MinimumRow
from audit.unit_of_work import Ledger
from policies.ids import EventId

BATCH = 1000
_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class _View:
    """One snapshot of the database."""

    connection: Connection
    ledger: Ledger
    now: datetime
    batch: int


@dataclass(frozen=True, slots=True)
class _Page:
    """What a step found in one page, and the key of its last row; None at the last page."""

    findings: Sequence[Finding]
    rows: int
    last: Key | None
    in_archive: int = 0


_Step = Callable[[_View, Key | None], _Page]


def never() -> bool:
    return False


def check(
    ledger: Ledger,
    rooms: Sequence[RoomEffects],
    *,
    now: datetime,
    cursor: str | None = None,
    stop: Callable[[], bool] = never,
    batch: int = BATCH,
) -> Report:
    """Read everything, or from the cursor on, until the end or until `stop` says so.

    Raises CursorError for a cursor that is none, or of another program's version.
    """
    steps = _steps(rooms)
    found = Found()
    at: Cursor | None = Cursor.start(steps) if cursor is None else Cursor.parse(cursor, steps)
    while at is not None and not stop():
        with _snapshot(ledger) as connection:
            page = steps[at.step](_View(connection, ledger, now, batch), at.after)
        found.add(page.rows, page.findings)
        found.in_archive += page.in_archive
        at = at.next(page.last, steps)
    return found.report(at)


def broken_promises(ledger: Ledger, promises: Sequence[Promise], *, now: datetime) -> list[str]:
    """The promises whose time has come and whose leaf is not there, by their event's id.

    Of a promise as old as the archive nothing can be said here: it is held against the archived
    entries (`audit verify`).
    """
    with _snapshot(ledger) as connection:
        until = _archived_until(connection)
        return [
            str(each.event_id)
            for each in promises
            if now >= each.due
            and (until is None or each.at > until)
            and not _is_kept(connection, each)
        ]


def _is_kept(connection: Connection, promise: Promise) -> bool:
    places = tree.places_of(connection, promise.event_id)
    return leaf_hash(promise.entry) in {place.leaf_hash for place in places}


@contextmanager
def alone(ledger: Ledger) -> Iterator[bool]:
    """Whether this is the only process that checks now; the others need not do the same work."""
    if ledger.engine.dialect.name == "sqlite":  # one process anyway
        yield True
        return
    with ledger.engine.connect() as connection:  # in a transaction that holds nothing else
        yield store.lock_check(connection)


@contextmanager
def _snapshot(ledger: Ledger) -> Iterator[Connection]:
    """All of one page is read as it was at one moment: what commits meanwhile is no gap."""
    with ledger.read(EVERYONE) as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _steps(rooms: Sequence[RoomEffects]) -> dict[str, _Step]:
    tables = [each for room in rooms for each in room.tables]
    steps: dict[str, _Step] = {"events": _events(tables), "leaves": _leaves}
    steps["minimum indexes"] = _minimums
    steps |= {f"rows of {each.table.name}": _effects(each) for each in tables}
    steps |= {name: _expected(read) for room in rooms for name, read in room.expected}
    return steps | {name: _used(read) for room in rooms for name, read in room.used}


def _events(tables: Sequence[EffectTable]) -> _Step:
    """Each event has its leaf or waits for it, is found by the auditor, and had its effect."""

    def step(view: _View, after: Key | None) -> _Page:
        number = 0 if after is None else _number(after[0])
        states = store.events_after(view.connection, number, view.batch)
        findings = [
            Finding(gap, str(each.event_id)) for each in states for gap in _gaps(view, each)
        ]
        double = store.twice(view.connection, [each.event_id for each in states])
        findings += [Finding(Gap.EVENT_TWICE, str(each)) for each in sorted(double)]
        for table in tables:
            findings += _without_effect(view, table, states)
        return _page(view, findings, [((each.number,), each) for each in states])

    return step


def _gaps(view: _View, state: EventState) -> Iterator[Gap]:
    if any(each != leaf_hash(leaf(state.commitment)) for each in state.leaf_hashes):
        yield Gap.LEAF_DIFFERS
    if len(state.leaf_hashes) > 1 or (state.leaf_hashes and state.queued):
        yield Gap.LEAF_TWICE
    if not state.leaf_hashes and not state.queued:
        yield Gap.EVENT_WITHOUT_LEAF
    if state.queued and view.now - state.at > MERGE_DELAY:
        yield Gap.EVENT_OVERDUE
    if state.kind is None:
        yield Gap.EVENT_NOT_SEARCHABLE


def _without_effect(
    view: _View, effects: EffectTable, states: Sequence[EventState]
) -> Iterator[Finding]:
    demand = effects.demand
    if demand is None:
        return
    oldest = None if demand.kept is None else view.now - demand.kept
    asked = [
        each
        for each in states
        if each.kind in demand.kinds and (oldest is None or each.at > oldest)
    ]
    if not asked:
        return
    found = store.accounted(view.connection, effects.table, asked, demand.near)
    for each in asked:
        if each.event_id not in found:
            yield Finding(Gap.EVENT_WITHOUT_EFFECT, f"{each.event_id} in {effects.table.name}")


def _leaves(view: _View, after: Key | None) -> _Page:
    """Leaves are dense in each log, all signed, and each stands for an event; from 0 on, or from
    where the archive ends."""
    log, index = ("", -1) if after is None else (str(after[0]), _number(after[-1]))
    leaves = store.leaves_after(view.connection, log, index, view.batch)
    sizes = store.signed_sizes(view.connection)
    minimum = store.minimum_indexes(view.connection)
    findings = [
        Finding(Gap.LEAF_WITHOUT_EVENT, f"{each.log}/{each.index}")
        for each in leaves
        if _lacks_event(each) and each.index >= minimum.get(each.log, 0)
    ]
    for each in leaves:
        if each.log != log:
            findings += _ends(log, index, sizes, minimum)
            log, index = each.log, -1
        expected = max(index + 1, minimum.get(log, 0))
        if each.index > expected:
            findings.append(Finding(Gap.LEAF_MISSING, f"{log}/{expected}"))
        index = each.index
    if len(leaves) < view.batch:
        findings += _ends(log, index, sizes, minimum)
        findings += _without_leaves(view, sizes, minimum)
    return _page(view, findings, [((each.log, each.index), each) for each in leaves])


def _ends(
    log: str, index: int, sizes: Mapping[str, int], minimum: Mapping[str, int]
) -> Iterator[Finding]:
    """Where the leaves of a log end, its last checkpoint does."""
    if log and sizes.get(log) != max(index + 1, minimum.get(log, 0)):
        yield Finding(Gap.TREE_NOT_SIGNED, f"{log}/{index + 1}")


def _without_leaves(
    view: _View, sizes: Mapping[str, int], minimum: Mapping[str, int]
) -> Iterator[Finding]:
    """A log whose leaves are all gone is met on no page."""
    for log, size in sizes.items():
        if size > minimum.get(log, 0) and not store.has_leaves(view.connection, log):
            yield Finding(Gap.LEAF_MISSING, f"{log}/{minimum.get(log, 0)}")


def _lacks_event(state: LeafState) -> bool:
    linked = state.number is None and state.index == 0
    return state.commitment is None and not linked


def _minimums(view: _View, _after: Key | None) -> _Page:
    """Each minimum index was told in the log: whoever sets a higher one hides what he took out."""
    rows = store.minimum_rows(view.connection)
    findings = [
        Finding(gap, f"{each.log}/{each.minimum_index}") for each, gap in _untold(view, rows)
    ]
    return _Page(findings, len(rows), None)


def _untold(view: _View, rows: Sequence[MinimumRow]) -> Iterator[tuple[MinimumRow, Gap]]:
    until = _archived_until(view.connection)
    for row in rows:
        try:
            told = entry(view.connection, view.ledger, EventId(row.event_id))
        except SealedEventError:
            yield row, Gap.EVENT_DAMAGED
            continue
        if told is None:
            # The event may stand in a later archive itself; `_effects` counts it then.
            if until is not None and row.at > until:
                yield row, Gap.EFFECT_WITHOUT_EVENT
        elif told.fields and told.get("reference") != f"{row.log}:{row.minimum_index}":
            yield row, Gap.MINIMUM_DIFFERS


def _effects(effects: EffectTable) -> _Step:
    """Each row of a table has an event, and one of a fitting kind."""
    name = effects.table.name

    def step(view: _View, after: Key | None) -> _Page:
        rows = store.rows_after(view.connection, effects.table, after, view.batch)
        kinds = store.kinds_of(view.connection, {event_id for _, event_id in rows})
        lost = [f"{each} in {name}" for _, each in rows if each not in kinds]
        other = [
            f"{each} in {name}" for _, each in rows if kinds.get(each) not in {None, *effects.kinds}
        ]
        # Which events stand in the archive, nothing here tells.
        archived = bool(lost) and _archived_until(view.connection) is not None
        findings = [Finding(Gap.EFFECT_OF_ANOTHER_KIND, each) for each in other]
        if not archived:
            findings += [Finding(Gap.EFFECT_WITHOUT_EVENT, each) for each in lost]
        return _page(view, findings, rows, in_archive=len(lost) if archived else 0)

    return step


def _expected(read: ReadExpected) -> _Step:
    """What a row says of another event has happened."""

    def step(view: _View, after: Key | None) -> _Page:
        rows = read(view.connection, after, view.batch)
        asked = [each for _, each in rows if each is not None]
        known = store.happened(view.connection, {each.at for each in asked})
        findings = [
            Finding(Gap.EFFECT_WITHOUT_EVENT, each.row)
            for each in asked
            # Whom an event is about may be forgotten (audit.erasure); when it happened is not.
            if known.isdisjoint(
                (each.at, kind.value, who) for kind in each.kinds for who in (each.person, None)
            )
        ]
        return _page(view, findings, rows)

    return step


def _used(read: ReadUsed) -> _Step:
    """A consent counts its uses; the log holds as many releases."""

    def step(view: _View, after: Key | None) -> _Page:
        rows = read(view.connection, after, view.batch)
        until = _archived_until(view.connection)  # from before it, some releases are archived
        whole = [each for _, each in rows if until is None or each.since > until]
        findings = [found for each in whole for found in _releases_differ(view, each)]
        return _page(view, findings, rows)

    return step


def _releases_differ(view: _View, used: Used) -> Iterator[Finding]:
    try:
        releases = _releases(view, used)
    except SealedEventError:
        yield Finding(Gap.EVENT_DAMAGED, f"consent {used.consent}")
        return
    if releases is not None and releases != used.times and not _is_forgotten(view, used):
        yield Finding(Gap.RELEASES_DIFFER, f"consent {used.consent}")


def _releases(view: _View, used: Used) -> int | None:
    """How many releases the log holds; None when the person's log can be read no more."""
    number, before = 0, None
    while True:
        entries = entries_about(
            view.connection,
            view.ledger,
            used.person,
            before=before,
            limit=_ENTRIES,
            kinds=[Kind.DATA_RELEASED],
        )
        ours = [each for each in entries if each.at >= used.since]
        if any(not each.fields for each in ours):
            return None
        number += sum((e.get("consent") or "").startswith(f"{used.consent}@") for e in ours)
        if len(ours) < _ENTRIES:
            return number
        before = ours[-1].number


def _is_forgotten(view: _View, used: Used) -> bool:
    """Whether the person was forgotten since (audit.erasure): the index does not even know of the
    event at the consent's beginning any more, and keys were destroyed after it."""
    known = store.happened(view.connection, [used.since])
    if any(who == used.person for _, _, who in known):
        return False
    destroyed = search(
        view.connection, view.ledger, since=used.since, kind=Kind.KEYS_DESTROYED, limit=1
    )
    return bool(destroyed)


def _archived_until(connection: Connection) -> datetime | None:
    """The time of the first event that is not archived; None while all of them are here."""
    if not store.minimum_indexes(connection):
        return None
    return store.first_time_after_archive(connection)


def _number(part: KeyPart) -> int:
    if not isinstance(part, int):
        raise CursorError("not a number")
    return part


def _page(
    view: _View,
    findings: Sequence[Finding],
    rows: Sequence[tuple[Key, object]],
    *,
    in_archive: int = 0,
) -> _Page:
    last = rows[-1][0] if len(rows) == view.batch else None
    return _Page(findings, len(rows), last, in_archive)

"""The leaves of each log: dense, signed to the last one, and each of an event."""

from collections.abc import Iterator, Mapping, Sequence

from audit.check_cursor import Key, number_of
from audit.check_report import Finding, Gap
from audit.check_steps import Page, View, archived_until, page_of
from audit.reader import entry
from audit.seal import SealedEventError
from audit.store import completeness as store
from audit.store.completeness import LeafState, MinimumRow
from policies.ids import EventId


def leaves(view: View, after: Key | None) -> Page:
    """Leaves are dense in each log, all signed, and each stands for an event; from 0 on, or from
    where the archive ends."""
    log, index = ("", -1) if after is None else (str(after[0]), number_of(after[-1]))
    found = store.leaves_after(view.connection, log, index, view.batch)
    sizes = store.signed_sizes(view.connection)
    minimum = store.minimum_indexes(view.connection)
    findings = [
        Finding(Gap.LEAF_WITHOUT_EVENT, f"{each.log}/{each.index}")
        for each in found
        if _lacks_event(each) and each.index >= minimum.get(each.log, 0)
    ]
    for each in found:
        if each.log != log:
            findings += _ends(log, index, sizes, minimum)
            log, index = each.log, -1
        expected = max(index + 1, minimum.get(log, 0))
        if each.index > expected:
            findings.append(Finding(Gap.LEAF_MISSING, f"{log}/{expected}"))
        index = each.index
    if len(found) < view.batch:
        findings += _ends(log, index, sizes, minimum)
        findings += _without_leaves(view, sizes, minimum)
    return page_of(findings, [((each.log, each.index), each) for each in found], batch=view.batch)


def _ends(
    log: str, index: int, sizes: Mapping[str, int], minimum: Mapping[str, int]
) -> Iterator[Finding]:
    """Where the leaves of a log end, its last checkpoint does."""
    if log and sizes.get(log) != max(index + 1, minimum.get(log, 0)):
        yield Finding(Gap.TREE_NOT_SIGNED, f"{log}/{index + 1}")


def _without_leaves(
    view: View, sizes: Mapping[str, int], minimum: Mapping[str, int]
) -> Iterator[Finding]:
    """A log whose leaves are all gone is met on no page."""
    for log, size in sizes.items():
        if size > minimum.get(log, 0) and not store.has_leaves(view.connection, log):
            yield Finding(Gap.LEAF_MISSING, f"{log}/{minimum.get(log, 0)}")


def _lacks_event(state: LeafState) -> bool:
    linked = state.number is None and state.index == 0
    return state.commitment is None and not linked


def minimums(view: View, _after: Key | None) -> Page:
    """Each minimum index was told in the log: whoever sets a higher one hides what he took out."""
    rows = store.minimum_rows(view.connection)
    findings = [
        Finding(gap, f"{each.log}/{each.minimum_index}") for each, gap in _untold(view, rows)
    ]
    return Page(findings, len(rows), None)


def _untold(view: View, rows: Sequence[MinimumRow]) -> Iterator[tuple[MinimumRow, Gap]]:
    until = archived_until(view.connection)
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

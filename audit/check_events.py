"""Each event has its leaf or waits for it, is found by the auditor, and had its effect."""

from collections.abc import Iterator, Sequence

from audit.check_cursor import Key, number_of
from audit.check_report import Finding, Gap
from audit.check_steps import Page, Step, View, page_of
from audit.disclosure import leaf
from audit.effects import EffectTable
from audit.merkle import leaf_hash
from audit.promise import MERGE_DELAY
from audit.store import completeness as store
from audit.store.completeness import EventState


def events(tables: Sequence[EffectTable]) -> Step:
    """The step over all events, held against these tables of effects."""

    def step(view: View, after: Key | None) -> Page:
        number = 0 if after is None else number_of(after[0])
        states = store.events_after(view.connection, number, view.batch)
        findings = [
            Finding(gap, str(each.event_id)) for each in states for gap in _gaps(view, each)
        ]
        double = store.twice(view.connection, [each.event_id for each in states])
        findings += [Finding(Gap.EVENT_TWICE, str(each)) for each in sorted(double)]
        for table in tables:
            findings += _without_effect(view, table, states)
        return page_of(findings, [((each.number,), each) for each in states], batch=view.batch)

    return step


def _gaps(view: View, state: EventState) -> Iterator[Gap]:
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
    view: View, effects: EffectTable, states: Sequence[EventState]
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

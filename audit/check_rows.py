"""Rows that tell of an event: it has happened, it was of a fitting kind, and so was what else they
tell of."""

from audit.check_cursor import Key
from audit.check_report import Finding, Gap
from audit.check_steps import Page, Step, View, archived_until, page_of
from audit.effects import EffectTable, ReadExpected
from audit.store import completeness as store


def effects(of: EffectTable) -> Step:
    """Each row of a table has an event, and one of a fitting kind."""
    name = of.table.name

    def step(view: View, after: Key | None) -> Page:
        rows = store.rows_after(view.connection, of.table, after, view.batch)
        kinds = store.kinds_of(view.connection, {event_id for _, event_id in rows})
        lost = [f"{each} in {name}" for _, each in rows if each not in kinds]
        other = [
            f"{each} in {name}" for _, each in rows if kinds.get(each) not in {None, *of.kinds}
        ]
        # Which events stand in the archive, nothing here tells.
        archived = bool(lost) and archived_until(view.connection) is not None
        findings = [Finding(Gap.EFFECT_OF_ANOTHER_KIND, each) for each in other]
        if not archived:
            findings += [Finding(Gap.EFFECT_WITHOUT_EVENT, each) for each in lost]
        return page_of(findings, rows, in_archive=len(lost) if archived else 0, batch=view.batch)

    return step


def expected(read: ReadExpected) -> Step:
    """What a row says of another event has happened."""

    def step(view: View, after: Key | None) -> Page:
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
        return page_of(findings, rows, batch=view.batch)

    return step

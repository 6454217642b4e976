"""A consent counts its uses; the log holds as many releases."""

from collections.abc import Iterator

from audit.check_cursor import Key
from audit.check_report import Finding, Gap
from audit.check_steps import Page, Step, View, archived_until, page_of
from audit.effects import ReadUsed, Used
from audit.model import Kind
from audit.reader import entries_about, search
from audit.seal import SealedEventError
from audit.store import completeness as store

_ENTRIES = 200


def used(read: ReadUsed) -> Step:
    """The step over what is read as used."""

    def step(view: View, after: Key | None) -> Page:
        rows = read(view.connection, after, view.batch)
        until = archived_until(view.connection)  # from before it, some releases are archived
        whole = [each for _, each in rows if until is None or each.since > until]
        findings = [found for each in whole for found in _releases_differ(view, each)]
        return page_of(findings, rows, batch=view.batch)

    return step


def _releases_differ(view: View, used: Used) -> Iterator[Finding]:
    try:
        releases = _releases(view, used)
    except SealedEventError:
        yield Finding(Gap.EVENT_DAMAGED, f"consent {used.consent}")
        return
    if releases is not None and releases != used.times and not _is_forgotten(view, used):
        yield Finding(Gap.RELEASES_DIFFER, f"consent {used.consent}")


def _releases(view: View, used: Used) -> int | None:
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


def _is_forgotten(view: View, used: Used) -> bool:
    """Whether the person was forgotten since (audit.erasure): the index does not even know of the
    event at the consent's beginning any more, and keys were destroyed after it."""
    known = store.happened(view.connection, [used.since])
    if any(who == used.person for _, _, who in known):
        return False
    destroyed = search(
        view.connection, view.ledger, since=used.since, kind=Kind.KEYS_DESTROYED, limit=1
    )
    return bool(destroyed)

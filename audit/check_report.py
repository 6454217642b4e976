"""What a completeness check found: how much of what, and the first places of each kind. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

SHOWN = 20
"""How many places of each kind a report names."""


class Gap(StrEnum):
    """What does not fit."""

    EFFECT_WITHOUT_EVENT = "effect-without-event"
    EFFECT_OF_ANOTHER_KIND = "effect-of-another-kind"
    EVENT_WITHOUT_EFFECT = "event-without-effect"
    EVENT_WITHOUT_LEAF = "event-without-leaf"
    EVENT_OVERDUE = "event-overdue"
    EVENT_TWICE = "event-twice"
    EVENT_NOT_SEARCHABLE = "event-not-searchable"
    LEAF_DIFFERS = "leaf-differs"
    LEAF_TWICE = "leaf-twice"
    """Or one, and the event waits for another."""
    LEAF_WITHOUT_EVENT = "leaf-without-event"
    LEAF_MISSING = "leaf-missing"
    TREE_NOT_SIGNED = "tree-not-signed"
    MINIMUM_DIFFERS = "minimum-differs"
    """From which index on a log stands here is not what its event says."""
    RELEASES_DIFFER = "releases-differ"
    SEALED_DIFFERS = "sealed-differs"
    """What is sealed about a person is not what the log says was sealed."""
    EVENT_DAMAGED = "event-damaged"
    PROMISE_BROKEN = "promise-broken"
    GUARD_WEAK = "guard-weak"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit, and where: ids and names of tables, nothing else."""

    gap: Gap
    place: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    rows: int
    counts: Mapping[Gap, int]
    findings: tuple[Finding, ...]
    """The first ones of each kind."""
    cursor: str | None
    """Where to go on; None when everything was read."""
    in_archive: int = 0
    """Rows whose event is not here although events were archived: only the archive can tell."""

    @property
    def ok(self) -> bool:
        return not self.counts

    def to_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "complete": self.cursor is None,
            "rows": self.rows,
            "in_archive": self.in_archive,
            "counts": {gap.value: number for gap, number in sorted(self.counts.items())},
            "findings": [{"gap": each.gap.value, "place": each.place} for each in self.findings],
            "cursor": self.cursor,
        }

    @property
    def content(self) -> bytes:
        """The report as the event `log.checked` refers to it: by the SHA-256 of these bytes."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()


@dataclass(slots=True)
class Found:
    """What has been found so far; of each kind only the first ones are kept."""

    rows: int = 0
    in_archive: int = 0
    counts: Counter[Gap] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, rows: int, findings: Iterable[Finding]) -> None:
        self.rows += rows
        for each in findings:
            self.counts[each.gap] += 1
            if self.counts[each.gap] <= SHOWN:
                self.findings.append(each)

    def report(self, cursor: object | None) -> Report:
        told = None if cursor is None else str(cursor)
        return Report(self.rows, dict(self.counts), tuple(self.findings), told, self.in_archive)


def with_findings(report: Report, gap: Gap, places: Sequence[str]) -> Report:
    """The report with findings from elsewhere added."""
    found = Found(report.rows, report.in_archive, Counter(report.counts), list(report.findings))
    found.add(0, [Finding(gap, place) for place in places])
    return found.report(report.cursor)

"""A report counts everything and names the first places of each kind."""

from pathlib import Path

from audit.check_report import SHOWN, Finding, Found, Gap, with_findings


def test_a_report_without_findings_is_good() -> None:
    report = Found(rows=7).report(None)
    assert report.ok
    assert report.to_json() == {
        "ok": True,
        "complete": True,
        "rows": 7,
        "in_archive": 0,
        "counts": {},
        "findings": [],
        "cursor": None,
    }


def test_a_report_with_one_finding_is_not() -> None:
    found = Found()
    found.add(1, [Finding(Gap.EVENT_TWICE, "here")])
    report = found.report("there")
    assert not report.ok
    assert report.to_json() == {
        "ok": False,
        "complete": False,
        "rows": 1,
        "in_archive": 0,
        "counts": {"event-twice": 1},
        "findings": [{"gap": "event-twice", "place": "here"}],
        "cursor": "there",
    }


def test_of_each_kind_the_first_places_are_named() -> None:
    found = Found()
    found.add(99, [Finding(Gap.EVENT_TWICE, str(i)) for i in range(SHOWN + 9)])
    report = with_findings(found.report(None), Gap.GUARD_WEAK, ["a", "b"])
    assert report.counts == {Gap.EVENT_TWICE: SHOWN + 9, Gap.GUARD_WEAK: 2}
    assert len(report.findings) == SHOWN + 2
    assert report.rows == 99


def test_findings_from_elsewhere_keep_the_cursor_and_change_the_content() -> None:
    report = Found(in_archive=3).report("there")
    changed = with_findings(report, Gap.GUARD_WEAK, ["a"])
    assert changed.cursor == "there"
    assert changed.in_archive == 3
    assert changed.content != report.content
    assert with_findings(report, Gap.GUARD_WEAK, []).content == report.content


def test_every_code_is_explained_to_auditors() -> None:
    text = (Path(__file__).parents[2] / "docs" / "auditor.md").read_text("utf-8")
    assert [gap for gap in Gap if f"`{gap}`" not in text] == []

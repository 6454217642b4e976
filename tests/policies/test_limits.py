"""Request limits: refused, narrowed, marked or left alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from policies.data_files import DATA, CatalogueError
from policies.limits import (
    Limit,
    Measure,
    TooWideError,
    Width,
    hold,
    load_limits,
    request_limits,
    unusual,
)
from policies.text import Text

LIMIT = Limit(
    id="private-income",
    kinds=frozenset({"private"}),
    grounds=frozenset({"consent"}),
    datasets=frozenset({"income"}),
    purposes=frozenset({"loan"}),
    law="GDPR 5",
    name=Text("a", "b", "c"),
    at_most=Measure(attributes=3, days=90, uses=12),
    usual=Measure(attributes=2, days=30, uses=1),
)
ASKED = Width(
    kind="private",
    ground="consent",
    purpose="loan",
    attributes=("income.gross", "person.name"),
    days=30,
    uses=1,
)
MUCH = replace(ASKED, attributes=("income.a", "income.b", "income.c", "person.d"))


def test_a_usual_request_is_left_alone() -> None:
    held = hold(ASKED, [LIMIT])
    assert (held.days, held.uses, held.narrowed) == (30, 1, ())
    assert unusual(ASKED, [LIMIT]) == ()


def test_too_much_data_is_refused_with_the_rule() -> None:
    with pytest.raises(TooWideError) as caught:
        hold(MUCH, [LIMIT])
    assert caught.value.rule == "private-income"


@pytest.mark.parametrize(
    ("changes", "days", "uses"),
    [
        ({"days": 91}, 90, 1),
        ({"uses": 13}, 30, 12),
        ({"uses": None}, 30, 12),
        ({"days": 366, "uses": 1000}, 90, 12),
    ],
)
def test_too_long_or_too_often_is_narrowed(
    changes: dict[str, int | None], days: int, uses: int
) -> None:
    held = hold(replace(ASKED, **changes), [LIMIT])  # type: ignore[arg-type]  # by name
    assert (held.days, held.uses, held.narrowed) == (days, uses, ("private-income",))


@pytest.mark.parametrize(
    "changes",
    [{"days": 31}, {"uses": 2}, {"attributes": ("income.a", "income.b", "income.c")}],
)
def test_more_than_usual_is_marked_and_not_narrowed(changes: dict[str, int]) -> None:
    asked = replace(ASKED, **changes)  # type: ignore[arg-type]  # by name
    assert hold(asked, [LIMIT]).narrowed == ()
    assert unusual(asked, [LIMIT]) == (LIMIT,)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "authority"},
        {"ground": "permission"},
        {"purpose": "other"},
        {"attributes": ("studies.a", "studies.b", "studies.c", "studies.d")},
    ],
)
def test_a_limit_binds_only_what_it_is_for(changes: dict[str, str]) -> None:
    asked = replace(MUCH, uses=None, **changes)  # type: ignore[arg-type]  # by name
    held = hold(asked, [LIMIT])
    assert (held.days, held.uses, held.narrowed) == (30, None, ())
    assert unusual(asked, [LIMIT]) == ()


def test_what_was_asked_before_there_was_a_limit_is_marked() -> None:
    assert unusual(MUCH, [LIMIT]) == (LIMIT,)


def test_a_limit_without_sets_binds_all_of_them() -> None:
    wide = replace(LIMIT, datasets=frozenset(), purposes=frozenset())
    other = replace(MUCH, purpose="other", attributes=tuple(f"studies.{i}" for i in range(4)))
    with pytest.raises(TooWideError):
        hold(other, [wide])


def test_the_strictest_of_several_counts() -> None:
    stricter = replace(LIMIT, id="stricter", at_most=Measure(attributes=3, days=10, uses=20))
    held = hold(replace(ASKED, uses=15), [LIMIT, stricter])
    assert (held.days, held.uses) == (10, 12)
    assert held.narrowed == ("private-income", "stricter")


def test_the_limits_of_the_installation_are_loaded_once() -> None:
    assert request_limits() is request_limits()
    assert {each.id for each in load_limits()} >= {"private-health", "authority-case"}


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("days = 90", "days = 0"),
        ('kinds = ["private"]', "kinds = []"),
        ("law = ", "laws = "),
        ('en = "Income data for a private service"', ""),
    ],
)
def test_a_faulty_limit_stops_the_start(tmp_path: Path, was: str, becomes: str) -> None:
    text = DATA.joinpath("limits.toml").read_text("utf-8")
    tmp_path.joinpath("limits.toml").write_text(text.replace(was, becomes))
    with pytest.raises(CatalogueError, match=r"limits\.toml"):
        load_limits(tmp_path)

"""Request limits that are tighter than those of the data files."""

from dataclasses import replace

import pytest

from policies import limits
from policies.limits import Measure


def limited(monkeypatch: pytest.MonkeyPatch, *, attributes: int, days: int) -> None:
    """From now on each rule lets nobody ask for more."""
    most = Measure(attributes=attributes, days=days, uses=100)
    tighter = tuple(replace(each, at_most=most) for each in limits.request_limits())
    monkeypatch.setattr(limits, "request_limits", lambda: tighter)

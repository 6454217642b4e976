"""Counters for the operator: how often what came out, without any id."""

import threading
from collections import Counter
from collections.abc import Iterator


class Counters:
    """Numbers by endpoint and outcome, both words of ours."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[tuple[str, str]] = Counter()

    def count(self, endpoint: str, outcome: str) -> None:
        with self._lock:
            self._numbers[endpoint, outcome] += 1

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        with self._lock:
            numbers = sorted(self._numbers.items())
        return iter([(endpoint, outcome, number) for (endpoint, outcome), number in numbers])

"""Counters for the operator: how often what came out, without any id."""

import threading
from collections import Counter
from collections.abc import Iterator

from service.shared_numbers import SharedNumbers


class Counters:
    """Numbers by endpoint and outcome, both words of ours; of all workers where they share them."""

    def __init__(self, shared: SharedNumbers | None = None) -> None:
        self._lock = threading.Lock()
        self._shared = shared
        self._numbers: Counter[tuple[str, str]] = Counter()

    def count(self, endpoint: str, outcome: str) -> None:
        if self._shared is not None:
            self._shared.add(f"{endpoint}\n{outcome}".encode())
            return
        with self._lock:
            self._numbers[endpoint, outcome] += 1

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        with self._lock:
            numbers = sorted(self._numbers.items())
        for name, number in sorted(self._shared or ()):
            endpoint, outcome = name.decode().split("\n")
            numbers.append(((endpoint, outcome), number))
        return iter([(endpoint, outcome, number) for (endpoint, outcome), number in numbers])

"""Whose key signs a log of this origin, when one key signs a new log each half-year.

A verification key named `<base>` stands for the log `<base>` and for all its half-years,
`<base>/2026h2` and so on: it is the same key under the name of each, so that nobody has to write
down new keys at every New Year. A log with any other ending has to be named itself; so one that
was begun anew after a loss (`<base>/2026h2b`) is followed only by those who have heard why.
"""

import re
from collections.abc import Iterable

from audit.cosignature import AnyVerifier, parse_vkey, renamed

_HALF_YEAR = re.compile(r"/[0-9]{4}h[12]\Z")


class FollowedLogs:
    """Logs by their verification keys."""

    def __init__(self, verifiers: Iterable[AnyVerifier]) -> None:
        self._verifiers = tuple(verifiers)

    @classmethod
    def parse(cls, vkeys: Iterable[str]) -> "FollowedLogs":
        """From the keys' texts. Raises NoteError."""
        return cls(parse_vkey(vkey) for vkey in vkeys)

    def verifiers(self, origin: str) -> tuple[AnyVerifier, ...]:
        """The keys to trust for this origin, none when the log is not followed."""
        names = {origin, _HALF_YEAR.sub("", origin)}
        return tuple(renamed(each, origin) for each in self._verifiers if each.name in names)

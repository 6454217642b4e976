"""A problem: what went wrong, as the outside sees it (RFC 9457)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem type: the last segment of its URI, its status and its title.

    The English title is the key of the message catalogue.
    """

    type: str
    status: int
    title: str

"""Lines of JSON with one spelling only, as the files of exports and archives hold them. Pure."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")


def parse_line(line: str, made: Callable[[Any], Made], refused: type[ValueError]) -> Made:
    """What `made` makes of the line's members, if its `str` is the line again.

    Raises `refused`: what was not of the right type is not written as it was.
    """
    try:
        parsed = made(json.loads(line))
    except (
        ArithmeticError,  # an index of Infinity
        AttributeError,
        KeyError,
        RecursionError,  # brackets in brackets, a hundred thousand deep
        TypeError,
        ValueError,
    ) as error:
        raise refused("not the line of an event") from error
    if str(parsed) != line:
        raise refused("not in canonical form")
    return parsed


def written_line(members: dict[str, Any]) -> str:
    """The line, with its newline."""
    return json.dumps(members, separators=(",", ":")) + "\n"

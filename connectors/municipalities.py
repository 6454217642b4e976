"""Finnish municipalities by their code (1.2.246.537.6.21, Statistics Finland's classification)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources


def municipality_name(code: str) -> str:
    """The Finnish name, or the code itself for one that the classification lacks."""
    return _names().get(code, code)


@cache
def _names() -> Mapping[str, str]:
    text = resources.files("connectors").joinpath("municipalities.json").read_text("utf-8")
    names: dict[str, str] = json.loads(text)
    return names

"""Documents for tests: the smallest right ones, the wrong ones, and the genuine ones."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policies.facts import Document, Value
from policies.ids import SourceId

HERE = Path(__file__).parent
REAL_DATA = HERE.parent / "vectors" / "real-data"

SUBJECT = "010190-999W"
"""The person of the small and the malformed documents; a published artificial code."""
RECEIVED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

SMALL: dict[SourceId, Path] = {
    SourceId(path.stem): path for path in sorted((HERE / "small").iterdir())
}


def small(source: str) -> Any:
    """The smallest right JSON document of a source, to be changed."""
    return json.loads(SMALL[SourceId(source)].read_bytes())


def values(document: Document) -> dict[str, Value]:
    """What the document says, by attribute."""
    return {fact.attribute: fact.value for fact in document.facts}


def as_bytes(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()

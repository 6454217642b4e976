"""A person's log as a table (RFC 4180), in the words of the page.

Texts of the log come from agencies too, so no cell may be taken for a formula.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from policies.vocabulary import Language
from service.citizen.own_log import Told
from service.i18n import texts
from service.spreadsheet import BYTE_ORDER_MARK, cell
from service.words import BASES, Line

HEADINGS = (
    "time",
    "event",
    "explanation",
    "kind",
    "who",
    "business_id",
    "what_for",
    "ground",
    "attributes",
    "refused",
    "reason",
    "case",
    "state",
    "event_id",
    "log",
    "index",
    "check_at",
)


def csv_parts(
    pieces: Iterable[Sequence[Told]], language: Language, addresses: str
) -> Iterator[str]:
    """The file in parts; `addresses` is what the address of each line's check begins with."""
    yield BYTE_ORDER_MARK + _written([dict(zip(HEADINGS, HEADINGS, strict=True))])
    for piece in pieces:
        yield _written([_row(each.line, language, addresses) for each in piece])


def _written(rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, fieldnames=HEADINGS, dialect="excel").writerows(rows)
    return text.getvalue()


def _row(line: Line, language: Language, addresses: str) -> dict[str, str]:
    organisation, purpose = line.organisation, line.purpose
    row = {
        "time": line.at.isoformat(),
        "event": line.name,
        "explanation": line.sentence,
        "kind": line.kind or "",
        "who": organisation.name.in_language(language) if organisation else "",
        "business_id": organisation.business_id if organisation else "",
        "what_for": purpose.name.in_language(language) if purpose else "",
        "ground": texts(language).gettext(BASES[line.basis]) if line.basis else "",
        "attributes": "; ".join(each.name.in_language(language) for each in line.attributes),
        "refused": "yes" if line.refused else "no",
        "reason": line.reason,
        "case": line.case or "",
        "state": line.state,
        "event_id": line.event_id,
        "log": line.log or "",
        "index": "" if line.index is None else str(line.index),
        "check_at": addresses + line.event_id,
    }
    return {name: cell(value) for name, value in row.items()}

"""A sample as a file: JSON with proofs that verify without us, and CSV for a spreadsheet."""

import base64
import csv
import io
import json
from typing import Any

from audit.evidence import Evidence
from audit.sampling import METHOD
from service.auditor.entry_json import entry_json
from service.auditor.looking import Row
from service.auditor.samples import Drawn
from service.runtime import Runtime
from service.spreadsheet import BYTE_ORDER_MARK, cell

FORMAT = "consent-vault/audit-sample/v1"


def sample_document(runtime: Runtime, drawn: Drawn) -> dict[str, Any]:
    """The sample with all that draws it again and proves it."""
    question = drawn.question
    return {
        "format": FORMAT,
        "method": METHOD,
        "log": question.log,
        "origin": runtime.log_signers.origin(question.log),
        "seed": question.sample.seed,
        "size": question.sample.size,
        "start": question.sample.start,
        "count": question.sample.count,
        "reason": question.stated.reason.value,
        "case": question.stated.case,
        "checkpoint": drawn.checkpoint.decode(),
        "entries": [
            _entry(question.log, found, row)
            for found, row in zip(drawn.evidence, drawn.rows, strict=True)
        ],
    }


def as_json(runtime: Runtime, drawn: Drawn) -> str:
    return json.dumps(sample_document(runtime, drawn), ensure_ascii=False, indent=1) + "\n"


def as_csv(runtime: Runtime, drawn: Drawn) -> str:
    """A line for each entry; the seed and the size stand in each, so that no line is without."""
    document = sample_document(runtime, drawn)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_HEADINGS, dialect="excel")
    writer.writeheader()
    for found, entry in zip(drawn.evidence, document["entries"], strict=True):
        writer.writerow(_row(document, found, entry))
    return BYTE_ORDER_MARK + text.getvalue()


_OF_SAMPLE = ("log", "size", "seed", "start", "count")
_OF_ENTRY = (
    "index",
    "event_id",
    "at",
    "kind",
    "result",
    "person",
    "organisation",
    "client",
    "purpose",
    "basis",
    "reason",
    "case",
)
_HEADINGS = (*_OF_SAMPLE, *_OF_ENTRY, "attributes", "text", "language", "text_agrees", "proof")


def _entry(log: str, found: Evidence, row: Row | None) -> dict[str, Any]:
    said = {"event_id": None} if row is None else entry_json(row)
    return {
        **said,
        "log": log,
        "index": found.index,
        "digests": [base64.b64encode(each).decode("ascii") for each in found.digests],
        "disclosures": list(found.disclosures),
        "proof": found.proof,
    }


def _row(document: dict[str, Any], found: Evidence, entry: dict[str, Any]) -> dict[str, Any]:
    shown = entry.get("shown") or {}
    return {
        **{name: document[name] for name in _OF_SAMPLE},
        **{name: entry.get(name) for name in _OF_ENTRY},
        "attributes": " ".join(entry.get("attributes", ())),
        "text": f"{shown['purpose']}@{shown['version']}" if shown else None,
        "language": shown.get("language"),
        "text_agrees": shown.get("agrees"),
        # The hashes of the proof alone; the JSON file has it whole. In base64 one may begin with +.
        "proof": cell(" ".join(found.proof.split("\n\n")[0].split("\n")[2:])),
    }

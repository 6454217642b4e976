"""The forms of a receipt that other systems read: names, media types, and who writes each."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import orjson

from consent.exchange.dpv import dpv
from consent.exchange.fhir import fhir
from consent.exchange.kantara import kantara
from consent.exchange.mydata import mydata
from consent.exchange.odrl import odrl
from consent.exchange.record_27560 import record_27560
from consent.exchange.source import Document, Source
from consent.receipt_content import ReceiptContent


class Form(StrEnum):
    """In which forms a receipt is given."""

    SIGNED = "signed"
    """The JWS with the proof of the log (RFC 7515 section 7.2.2)."""
    PAGE = "page"
    """A page to print, in words."""
    ISO = "27560"
    DPV = "dpv"
    KANTARA = "kantara"
    ODRL = "odrl"
    FHIR = "fhir"
    MYDATA = "mydata"


NAMES: Mapping[Form, str] = {
    Form.ISO: "ISO/IEC TS 27560:2023 (JSON)",
    Form.DPV: "W3C Data Privacy Vocabulary 2.3 (JSON-LD)",
    Form.KANTARA: "Kantara Consent Receipt 1.1 (JSON)",
    Form.ODRL: "W3C ODRL 2.2, Agreement (JSON-LD)",
    Form.FHIR: "HL7 FHIR R5, Consent (JSON)",
    Form.MYDATA: "MyData CR, CSR (JSON)",
}
"""Names of standards, the same in every language."""

_ONLY_OF_GIVEN = frozenset({Form.KANTARA, Form.ODRL, Form.MYDATA})
"""These have no word for an answer by which nothing was given."""
_JSON, _JSON_LD = "application/json", "application/ld+json"
_WRITERS: Mapping[Form, tuple[Callable[[Source], Document], str]] = {
    Form.ISO: (record_27560, _JSON),
    Form.DPV: (dpv, _JSON_LD),
    Form.KANTARA: (kantara, _JSON),
    Form.ODRL: (odrl, _JSON_LD),
    Form.FHIR: (fhir, "application/fhir+json"),
    Form.MYDATA: (mydata, _JSON),
}


def is_given(form: Form, content: ReceiptContent) -> bool:
    """Whether this receipt has that form."""
    return bool(content.granted) or form not in _ONLY_OF_GIVEN


def named_forms(content: ReceiptContent) -> dict[Form, str]:
    """The forms of this receipt for other systems, by the names that their page shows."""
    return {form: name for form, name in NAMES.items() if is_given(form, content)}


def written(form: Form, source: Source) -> tuple[str, str]:
    """The receipt in that form, and its media type."""
    write, media_type = _WRITERS[form]
    return orjson.dumps(write(source), option=orjson.OPT_INDENT_2).decode(), media_type

"""Blood glucose from Kanta's personal health record: FHIR R4, profile fiphr-sd-bloodglucose.

Reads a Bundle or one Observation. A measurement is a final Observation of one of the profile's
three LOINC codes with an exact value in mmol/l (UCUM); device failures (`dataAbsentReason`),
results beyond the scale (`comparator`) and withdrawn entries are passed over. All measurements
must be of one subject. Numbers stay decimal from the document to the result.

Values that the person's own device has measured are the person's word (`performer` is the
Patient) and ranked so. The time observed is the time of the latest measurement.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from connectors.documents import MalformedDocumentError, facts, whole
from connectors.json_document import Node, read_json
from connectors.scalars import from_finnish_time, tenths
from connectors.subjects import check_subject
from policies.facts import Document, Value
from policies.ids import SourceId
from policies.vocabulary import AuthorityRank, Label

SOURCE = SourceId("kanta")

LOINC = "http://loinc.org"
GLUCOSE_CODES = frozenset({"15074-8", "14743-9", "14745-4"})
"""In blood; in capillary blood by a meter; in body fluid (a sensor under the skin)."""
UCUM = "http://unitsofmeasure.org"
IDENTITY_CODE_SYSTEM = "urn:oid:1.2.246.21"
PROTECTED_CODE = "TURVAKIELTO"

_VALID = frozenset({"final", "amended", "corrected"})
_PERIOD = timedelta(days=30)
_LARGEST = Decimal(200)
_DATE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class _Measurement:
    value: Decimal
    at: datetime
    time: str
    """As it is shown: a time in UTC, or the date where the document has no more."""
    by_patient: bool


def parse(document: bytes, *, subject: str | None = None) -> Document:
    """`glucose`; `subject` is the identity code of the person whom it must be about."""
    root = read_json(document, SOURCE)
    resources = _resources(root)
    _check_person(root, resources, subject)
    found = [_measurement(node) for node in resources if _is_measurement(node)]
    if not found:
        raise MalformedDocumentError(SOURCE, "", "holds no measurement of blood glucose")
    latest = max(found, key=lambda measurement: measurement.at)
    values = _values(latest, [one for one in found if latest.at - one.at < _PERIOD])
    labels = {Label.ARTICLE_9}
    if any(_is_protected(node) for node in resources):
        labels.add(Label.PROTECTED)
    made = facts(
        SOURCE,
        values,
        observed_at=latest.at,
        labels=frozenset(labels),
        authority=_authority(found),
    )
    return whole("glucose", SOURCE, made, document)


def _values(latest: _Measurement, recent: list[_Measurement]) -> dict[str, Value | None]:
    total = sum((one.value for one in recent), Decimal(0))
    return {
        "glucose.latest_value": tenths(latest.value),
        "glucose.latest_time": latest.time,
        "glucose.mean_30_days": tenths(total / len(recent)),
        "glucose.measurement_count": len(recent),
    }


def _authority(measurements: Iterable[_Measurement]) -> AuthorityRank:
    if any(one.by_patient for one in measurements):
        return AuthorityRank.SELF_ASSERTED
    return AuthorityRank.AUTHORITATIVE_REGISTER


def _resources(root: Node) -> list[Node]:
    kind = root.member("resourceType").text()
    if kind == "Bundle":
        return [entry.member("resource") for entry in root.members("entry")]
    if kind == "Observation":
        return [root]
    raise root.member("resourceType").wrong("is neither Bundle nor Observation")


def _check_person(root: Node, resources: list[Node], subject: str | None) -> None:
    """One subject in all measurements, and the right one, where the document says who it is."""
    subjects = {
        node.member("subject").member("reference").text()
        for node in resources
        if _is_measurement(node)
    }
    if len(subjects) > 1:
        raise root.wrong("holds measurements of more than one subject")
    codes = [code for node in resources for code in _identity_codes(node)]
    for code in codes:
        check_subject(code, subject)
    if subject is not None and not codes:
        raise root.wrong("does not say whom it is about")


def _identity_codes(resource: Node) -> list[Node]:
    if resource.member("resourceType").text() != "Patient":
        return []
    return [
        identifier.member("value")
        for identifier in resource.members("identifier")
        if _says(identifier, "system", {IDENTITY_CODE_SYSTEM})
    ]


def _is_measurement(node: Node) -> bool:
    return (
        node.member("resourceType").text() == "Observation"
        and _has_glucose_code(node)
        and node.member("status").text() in _VALID
        and (quantity := node.optional("valueQuantity")) is not None
        and quantity.optional("comparator") is None
    )


def _has_glucose_code(observation: Node) -> bool:
    codings = observation.member("code").members("coding")
    return any(
        _says(coding, "system", {LOINC}) and _says(coding, "code", GLUCOSE_CODES)
        for coding in codings
    )


def _says(node: Node, name: str, words: Collection[str]) -> bool:
    """Whether the member is there and is one of the words."""
    found = node.optional(name)
    return found is not None and found.text() in words


def _measurement(node: Node) -> _Measurement:
    quantity = node.member("valueQuantity")
    if (quantity.member("system").text(), quantity.member("code").text()) != (UCUM, "mmol/L"):
        raise quantity.wrong("is not in mmol/L")
    value = quantity.member("value").decimal()
    if not 0 <= value <= _LARGEST:
        raise quantity.member("value").wrong("is no possible blood glucose")
    at, time = _effective(node.member("effectiveDateTime"))
    return _Measurement(value=value, at=at, time=time, by_patient=_is_by_patient(node))


def _effective(node: Node) -> tuple[datetime, str]:
    """A FHIR dateTime, to the day or to the second; a month alone is refused."""
    text = node.text()
    if len(text) == _DATE_LENGTH:
        day = node.date()
        return _start_of(day), day.isoformat()
    at = node.instant()
    return at, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _start_of(day: date) -> datetime:
    return from_finnish_time(datetime(day.year, day.month, day.day))  # noqa: DTZ001 -- wall time


def _is_by_patient(observation: Node) -> bool:
    return any(
        performer.member("reference").text().startswith("Patient/")
        for performer in observation.members("performer")
        if performer.optional("reference") is not None
    )


def _is_protected(resource: Node) -> bool:
    """HL7 Finland's security label (fi-base-security-label-cs) on the resource."""
    meta = resource.optional("meta")
    return meta is not None and any(
        _says(label, "code", {PROTECTED_CODE}) for label in meta.members("security")
    )

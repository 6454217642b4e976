"""Blood glucose from Kanta's personal health record: FHIR R4, profile fiphr-sd-bloodglucose.

Reads a Bundle or one Observation. A measurement is a final Observation of one of the profile's
three LOINC codes with an exact value in mmol/l (UCUM); device failures (`dataAbsentReason`),
results beyond the scale (`comparator`) and withdrawn entries are passed over. All measurements
must be of one subject, who is the Patient that the Bundle names. Numbers stay decimal from the
document to the result.

Values that the person's own device has measured are the person's word (`performer` is the
Patient) and ranked so. The time observed is the time of the latest measurement.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from connectors.documents import MalformedDocumentError, facts, whole
from connectors.json_document import Node, read_json
from connectors.scalars import from_finnish_time, tenths, utc_text
from connectors.subjects import check_subject
from policies.facts import Document, Value
from policies.identity_code import OID
from policies.ids import SourceId
from policies.vocabulary import AuthorityRank, Label

SOURCE = SourceId("kanta")

LOINC = "http://loinc.org"
GLUCOSE_CODES = frozenset({"15074-8", "14743-9", "14745-4"})
"""In blood; in capillary blood by a meter; in body fluid (a sensor under the skin)."""
UCUM = "http://unitsofmeasure.org"
IDENTITY_CODE_SYSTEM = OID
PROTECTED_CODE = "TURVAKIELTO"

_VALID = frozenset({"final", "amended", "corrected"})
_PERIOD = timedelta(days=30)
_LARGEST = Decimal(200)
_DATE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class _Measurement:
    value: Decimal = field(repr=False)
    at: datetime = field(repr=False)
    is_exact: bool
    """False where the document has the day alone, which is no point in time."""
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
        "glucose.latest_time": utc_text(latest.at) if latest.is_exact else None,
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
        # A page of several (FHIR R4, "RESTful API", Paging) would give a wrong mean and count.
        if any(_says(link, "relation", {"next"}) for link in root.members("link")):
            raise root.member("link").wrong("leads to another page")
        return [entry.member("resource") for entry in root.members("entry")]
    if kind == "Observation":
        return [root]
    raise root.member("resourceType").wrong("is neither Bundle nor Observation")


def _check_person(root: Node, resources: list[Node], subject: str | None) -> None:
    """All measurements are of one subject, and it is the right one when that is given."""
    references = {
        node.member("subject").member("reference").text()
        for node in resources
        if _is_measurement(node)
    }
    if len(references) > 1:
        raise root.wrong("holds measurements of more than one subject")
    patients = [node for node in resources if _is_a(node, "Patient")]
    named = [node for node in patients if _has_right_code(node, subject)]
    if subject is None:
        return
    if not named:
        raise root.wrong("does not say whom it is about")
    # The right code on a Patient proves nothing about measurements that are of another.
    if not all(_is_of(reference, named) for reference in references):
        raise root.wrong("holds measurements of somebody whom it does not name")


def _has_right_code(patient: Node, subject: str | None) -> bool:
    """Whether the Patient has an identity code; a wrong one is an error."""
    codes = [
        identifier.member("value")
        for identifier in patient.members("identifier")
        if _says(identifier, "system", {IDENTITY_CODE_SYSTEM})
    ]
    for code in codes:
        check_subject(code, subject)
    return bool(codes)


def _is_of(reference: str, patients: list[Node]) -> bool:
    """Whether a literal reference, relative or absolute (FHIR R4 section 2.3.0.1), is to one."""
    ids = {id_.text() for patient in patients if (id_ := patient.optional("id")) is not None}
    return any(f"/{reference}".endswith(f"/Patient/{id_}") for id_ in ids)


def _is_a(resource: Node, kind: str) -> bool:
    return resource.member("resourceType").text() == kind


def _is_measurement(node: Node) -> bool:
    return (
        _is_a(node, "Observation")
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
    at, is_exact = _effective(node.member("effectiveDateTime"))
    return _Measurement(value=value, at=at, is_exact=is_exact, by_patient=_is_by_patient(node))


def _effective(node: Node) -> tuple[datetime, bool]:
    """A FHIR dateTime, to the day or to the second; a month alone is refused."""
    if len(node.text()) == _DATE_LENGTH:
        return _start_of(node.date()), False
    return node.instant(), True


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

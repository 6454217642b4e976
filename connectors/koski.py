"""Koski, the national register of studies: the study rights of one learner as JSON.

The shape is `{"henkilö": {"hetu", ...}, "opiskeluoikeudet": [...]}` of the Finnish National Agency
for Education. Of several study rights the one is taken that is under way, and of several such
the one that began last. Texts are the register's Finnish names, and where it writes only a code,
the code. A study right may carry `aikaleima`, the Finnish time of its last change; where it does
not, `received_at` is the time observed.
"""

from datetime import UTC, datetime
from decimal import Decimal

from connectors.documents import facts, whole
from connectors.json_document import Node, read_json
from connectors.subjects import check_subject
from policies.facts import Document, Value
from policies.ids import SourceId

SOURCE = SourceId("koski")

_UNDER_WAY = frozenset({"lasna", "valiaikaisestikeskeytynyt", "loma"})
_NEVER = datetime(1, 1, 1, tzinfo=UTC).date()


def parse(document: bytes, *, received_at: datetime, subject: str | None = None) -> Document:
    """`studies`; `subject` is the identity code of the person whom it must be about."""
    root = read_json(document, SOURCE)
    check_subject(root.member("henkilö").member("hetu"), subject)
    rights = root.member("opiskeluoikeudet")
    if not rights.items():
        raise rights.wrong("is empty")
    right = max(rights.items(), key=_currency)
    changed = right.optional("aikaleima")
    observed_at = received_at if changed is None else changed.instant(local=True)
    return whole(
        "studies", SOURCE, facts(SOURCE, _values(right), observed_at=observed_at), document
    )


def _values(right: Node) -> dict[str, Value | None]:
    return {
        "studies.institution": _name(right.member("oppilaitos")),
        "studies.degree": _degree(right),
        "studies.status": _name(_latest_period(right).member("tila")),
        "studies.expected_end": _end(right),
        "studies.credits": _credits(right),
    }


def _currency(right: Node) -> tuple[bool, object]:
    """Under way before ended, begun late before begun early."""
    code = _latest_period(right).member("tila").member("koodiarvo").text()
    begun = right.optional("alkamispäivä")
    return code in _UNDER_WAY, _NEVER if begun is None else begun.date()


def _latest_period(right: Node) -> Node:
    periods = right.member("tila").member("opiskeluoikeusjaksot")
    if not periods.items():
        raise periods.wrong("is empty")
    return max(periods.items(), key=lambda period: period.member("alku").date())


def _degree(right: Node) -> str | None:
    """The name of what is studied: of the first attainment's module, or of its title."""
    attainments = right.member("suoritukset").items()
    if not attainments:
        return None
    titles = attainments[0].members("tutkintonimike")
    if titles:
        return _name(titles[0])
    return _name(attainments[0].member("koulutusmoduuli").member("tunniste"))


def _end(right: Node) -> str | None:
    found = right.optional("päättymispäivä") or right.optional("arvioituPäättymispäivä")
    return None if found is None else found.date().isoformat()


def _credits(right: Node) -> int | None:
    """Whole credits of the parts that have been passed; None where parts carry none."""
    extents = [
        extent
        for attainment in right.member("suoritukset").items()
        for part in attainment.members("osasuoritukset")
        if _is_passed(part)
        and (extent := part.member("koulutusmoduuli").optional("laajuus")) is not None
    ]
    # Credits of two kinds (competence points, hours) have no sum.
    units = {extent.member("yksikkö").member("koodiarvo").text() for extent in extents}
    if len(units) != 1:
        return None
    return int(sum((_amount(extent.member("arvo")) for extent in extents), Decimal(0)))


def _amount(extent: Node) -> Decimal:
    if extent.decimal() < 0:
        raise extent.wrong("is below zero")
    return extent.decimal()


def _is_passed(part: Node) -> bool:
    return any(
        passed.boolean()
        for grade in part.members("arviointi")
        if (passed := grade.optional("hyväksytty")) is not None
    )


def _name(coded: Node) -> str:
    """The Finnish name of a coded value or an organisation, else Swedish, else its code."""
    names = coded.optional("nimi")
    if names is not None:
        name = names.optional("fi") or names.optional("sv") or names.optional("en")
        if name is not None:
            return name.text()
    return (coded.optional("koodiarvo") or coded.member("oid")).text()

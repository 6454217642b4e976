"""Company data of the Finnish Patent and Registration Office: open data API v3.

`companyResult` is the answer of `GET /companies` (OpenAPI "Opendata YTJ-Api", CompanyResult) for
one business id. The open data say nothing of people, so the person's role comes beside it: the
answer of Suomi.fi e-Authorizations to `organizationRoles`, `[{"name", "identifier", "complete",
"roles": ["TJ", ...]}]`, in the member `organizationRoles`. A bare CompanyResult is read as well
and gives no role. `lastModified` is Finnish time without a zone.
"""

from datetime import datetime

from connectors.documents import facts, whole
from connectors.json_document import Node, read_json
from policies.business_id import InvalidBusinessIdError, check_business_id
from policies.facts import Document, Value
from policies.ids import SourceId

SOURCE = SourceId("prh")

ROLES = {
    "ELI": "elinkeinonharjoittaja",
    "IS": "isännöitsijä",
    "J": "hallituksen jäsen",
    "NIMKO": "nimenkirjoitusoikeus",
    "PJ": "hallituksen puheenjohtaja",
    "S": "selvitysmies",
    "TIL": "tilintarkastaja",
    "TJ": "toimitusjohtaja",
    "YHM": "yhtiömies",
}
"""The organisation roles of Suomi.fi e-Authorizations."""

_CURRENT = 1
_MAIN_NAME = "1"
_FINNISH = "1"


def parse(document: bytes) -> Document:
    """`company`; the role only where the envelope has it."""
    root = read_json(document, SOURCE)
    envelope = root.optional("companyResult")
    companies = (root if envelope is None else envelope).member("companies")
    if len(companies.items()) != 1:
        raise companies.wrong("does not hold one company")
    company = companies.items()[0]
    business_id = _business_id(company.member("businessId").member("value"))
    values = {
        "company.business_id": business_id,
        "company.name": _current_name(company.member("names")),
        "company.role": _role(root, business_id),
        "company.legal_form": _legal_form(company),
        "company.main_business_line": _business_line(company),
    }
    observed_at = _last_modified(company)
    return whole("company", SOURCE, facts(SOURCE, values, observed_at=observed_at), document)


def _business_id(node: Node) -> str:
    value = node.text()
    try:
        check_business_id(value)
    except InvalidBusinessIdError:
        raise node.wrong("is not a business id") from None
    return value


def _current_name(names: Node) -> str:
    current = [
        name
        for name in names.items()
        if name.member("type").text() == _MAIN_NAME
        and name.member("version").integer() == _CURRENT
        and name.optional("endDate") is None
    ]
    if len(current) != 1:
        raise names.wrong("does not hold one current name")
    return current[0].member("name").text()


def _legal_form(company: Node) -> str | None:
    current = [
        form
        for form in company.members("companyForms")
        if form.member("version").integer() == _CURRENT and form.optional("endDate") is None
    ]
    return _described(current[0]) if current else None


def _business_line(company: Node) -> str | None:
    line = company.optional("mainBusinessLine")
    return None if line is None else _described(line)


def _described(coded: Node) -> str:
    """The Finnish description of a code, or the code where there is none."""
    for entry in coded.members("descriptions"):
        description = entry.optional("description")
        if entry.member("languageCode").text() == _FINNISH and description is not None:
            return description.text()
    return coded.member("type").text()


def _last_modified(company: Node) -> datetime:
    return company.member("lastModified").instant(local=True)


def _role(root: Node, business_id: str) -> Value | None:
    """The roles in this company, in the order of the answer."""
    for organisation in root.members("organizationRoles"):
        if organisation.member("identifier").text() == business_id:
            roles = [_role_name(role) for role in organisation.member("roles").items()]
            return ", ".join(roles) or None
    return None


def _role_name(role: Node) -> str:
    name = ROLES.get(role.text())
    if name is None:
        raise role.wrong("is not a known role")
    return name

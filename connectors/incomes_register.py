"""The Incomes Register: wages and benefits of one person, as XML.

The register's interface is XML in the namespaces `http://www.tulorekisteri.fi/2017/1/...`. No
public sample of an answer to a data user was found. This follows the element names of the
register's published schemas for reports (`WageReportsRequestToIR`, `BenefitReportsRequestToIR`:
DeliveryData, PaymentPeriod or PaymentDate, Payer, Reports, Report, IncomeEarner, Transactions,
TransactionBasic), of which only the roots are in a namespace. A person's income is in many
reports, so one document wraps them in an element of our own, `IncomeStatement`, which belongs to
no published schema. The signature that the real interface adds is not read.

Income types, as the register publishes them: 101 is total wages (reporting method 1), the 200
series are wages one by one (method 2), the 300 series other payments, the 400 series deductions.
Of benefits only the code of garnishment was at hand, so a benefit report may hold one counted
amount: taking a deduction for income is worse than refusing the document.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from connectors.documents import facts, whole
from connectors.scalars import ScalarError
from connectors.subjects import normal_identity_code, same_person
from connectors.xml_document import Place, read_xml
from policies.facts import Document, Value
from policies.ids import SourceId

SOURCE = SourceId("incomes-register")

STATEMENT = "{urn:consent-vault:income-statement:1}IncomeStatement"
WAGES = "{http://www.tulorekisteri.fi/2017/1/WageReportsToIR}WageReportsRequestToIR"
BENEFITS = "{http://www.tulorekisteri.fi/2017/1/BenefitReportsToIR}BenefitReportsRequestToIR"

_TOTAL_WAGES = 101
_SEPARATE_WAGES = range(200, 300)
_WAGE_REPORT_CODES = range(100, 500)
_GARNISHMENT = 1269
_IDENTITY_CODE = 2
_NEW, _REPLACEMENT = 1, 2


@dataclass(frozen=True, slots=True)
class _Payment:
    """One report: what one payer paid to the person on one day."""

    is_wage: bool
    payer: str = field(repr=False)
    paid: date
    cents: int = field(repr=False)
    report: str = field(repr=False)
    version: int
    stated_at: datetime


def parse(document: bytes, *, subject: str | None = None) -> Document:
    """`income`; `subject` is the identity code of the person whom it must be about."""
    root = read_xml(document, SOURCE, roots={STATEMENT, WAGES, BENEFITS})
    reported = (one for delivery in _deliveries(root) for one in _payments(delivery, subject))
    payments = _newest_versions(reported, root)
    if not payments:
        raise root.wrong("holds no report of income")
    observed_at = max(payment.stated_at for payment in payments)
    made = facts(SOURCE, _values(payments), observed_at=observed_at)
    return whole("income", SOURCE, made, document)


def _values(payments: list[_Payment]) -> dict[str, Value | None]:
    wages = [payment for payment in payments if payment.is_wage]
    benefits = [payment for payment in payments if not payment.is_wage]
    last_wage = max(wages, key=lambda payment: payment.paid, default=None)
    year = max(payment.paid.year for payment in payments)
    return {
        "income.monthly_gross": _last_month(wages),
        "income.employer": None if last_wage is None else last_wage.payer,
        "income.last_payment_date": None if last_wage is None else last_wage.paid.isoformat(),
        "income.benefit_monthly": _last_month(benefits),
        "income.yearly_total": sum(one.cents for one in payments if one.paid.year == year),
    }


def _last_month(payments: list[_Payment]) -> int | None:
    """What was paid in the last calendar month in which anything was."""
    if not payments:
        return None
    last = max(payment.paid for payment in payments)
    return sum(
        payment.cents
        for payment in payments
        if (payment.paid.year, payment.paid.month) == (last.year, last.month)
    )


def _newest_versions(payments: Iterable[_Payment], root: Place) -> list[_Payment]:
    """A replacing report has the id of the one it replaces and a higher version."""
    newest: dict[tuple[bool, str, str], _Payment] = {}
    for payment in payments:
        key = (payment.is_wage, payment.payer, payment.report)
        held = newest.get(key)
        if held is not None and payment.version == held.version:
            raise root.wrong("holds one version of a report twice")
        if held is None or payment.version > held.version:
            newest[key] = payment
    return list(newest.values())


def _deliveries(root: Place) -> list[Place]:
    if root.name != STATEMENT:
        return [root]
    if len(root.element) != len(root.children(WAGES)) + len(root.children(BENEFITS)):
        raise root.wrong("holds something that is not known")
    return root.children(WAGES) + root.children(BENEFITS)


def _payments(delivery: Place, subject: str | None) -> list[_Payment]:
    data = delivery.child("DeliveryData")
    is_wage = delivery.name == WAGES
    payer = data.child("Payer").child("PayerBasic").child("CompanyName").text()
    paid = _payment_date(data, is_wage=is_wage)
    stated_at = data.child("Timestamp").instant()
    payments = []
    for report in data.child("Reports").children("Report"):
        _check_earner(report.child("IncomeEarner").child("IncomeEarnerIds"), subject)
        name, version = _identity(report.child("ReportData"))
        transactions = report.child("Transactions").children("Transaction")
        cents = _wage(report, transactions) if is_wage else _benefit(report, transactions)
        payments.append(_Payment(is_wage, payer, paid, cents, name, version, stated_at))
    return payments


def _payment_date(data: Place, *, is_wage: bool) -> date:
    place = data.child("PaymentPeriod") if is_wage else data
    return place.child("PaymentDate").date()


def _check_earner(ids: Place, subject: str | None) -> None:
    codes = [
        one.child("Code")
        for one in ids.children("Id")
        if one.child("Type").integer() == _IDENTITY_CODE
    ]
    if len(codes) != 1:
        raise ids.wrong("does not hold one personal identity code")
    try:
        code = normal_identity_code(codes[0].text())
    except ScalarError as error:
        raise codes[0].wrong(str(error)) from None
    if subject is not None and not same_person(code, subject):
        raise codes[0].wrong("is about another person")


def _identity(data: Place) -> tuple[str, int]:
    """The payer's id of the report, and which version of it this is."""
    action = data.child("ActionCode").integer()
    if action not in {_NEW, _REPLACEMENT}:
        raise data.child("ActionCode").wrong("is not a known action")
    version = data.optional("ReportVersion")
    return data.child("ReportId").text(), 1 if version is None else version.integer()


def _wage(report: Place, transactions: list[Place]) -> int:
    amounts: dict[int, int] = {}
    for transaction in transactions:
        code, cents = _amount(transaction.child("TransactionBasic"))
        if code not in _WAGE_REPORT_CODES:
            raise transaction.wrong("is not a known income type")
        amounts[code] = amounts.get(code, 0) + cents
    separate = [cents for code, cents in amounts.items() if code in _SEPARATE_WAGES]
    if _TOTAL_WAGES in amounts and separate:
        raise report.wrong("reports the same wages in two ways")
    return amounts.get(_TOTAL_WAGES, sum(separate))


def _benefit(report: Place, transactions: list[Place]) -> int:
    amounts = [_amount(transaction.child("TransactionBasic")) for transaction in transactions]
    counted = [cents for code, cents in amounts if code != _GARNISHMENT]
    if len(counted) != 1:
        raise report.wrong("does not hold one amount of benefit")
    return counted[0]


def _amount(basic: Place) -> tuple[int, int]:
    """The income type, and what the amount adds to the income, in cents.

    What was recovered from the person is taken off, as the Tax Administration does in its sums;
    what was paid without ground (`UnjustEnrichment`) is no income.
    """
    code, cents = basic.child("TransactionCode").integer(), basic.child("Amount").cents()
    if _is_marked(basic, "UnjustEnrichment"):
        return code, 0
    return code, -cents if _is_marked(basic, "Recovery") else cents


def _is_marked(basic: Place, name: str) -> bool:
    mark = basic.optional(name)
    return mark is not None and mark.is_true()

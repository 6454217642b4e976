"""Wages and benefits; no public sample exists, so the documents are made here."""

import pytest

from connectors import incomes_register
from connectors.documents import MalformedDocumentError
from connectors.xml_document import read_xml
from policies.facts import Value
from policies.ids import SourceId
from tests.connectors.examples import SMALL, SUBJECT, values

OPEN = '<s:IncomeStatement xmlns:s="urn:consent-vault:income-statement:1">'
CLOSE = "</s:IncomeStatement>"


def transaction(code: int, amount: str, mark: str = "") -> str:
    extra = f"<{mark}>true</{mark}>" if mark else ""
    return (
        f"<Transaction><TransactionBasic><TransactionCode>{code}</TransactionCode>"
        f"<Amount>{amount}</Amount>{extra}</TransactionBasic></Transaction>"
    )


def delivery(
    paid: str,
    *transactions: str,
    kind: str = "Wage",
    payer: str = "Esimerkki Oy",
    report: str | None = None,
    version: str = "",
) -> str:
    root = f"{kind}ReportsRequestToIR"
    date = f"<PaymentDate>{paid}</PaymentDate>"
    when = f"<PaymentPeriod>{date}</PaymentPeriod>" if kind == "Wage" else date
    action = "2" if version else "1"
    return (
        f'<r:{root} xmlns:r="http://www.tulorekisteri.fi/2017/1/{kind}ReportsToIR"><DeliveryData>'
        f"<Timestamp>{paid}T22:00:00+02:00</Timestamp>{when}"
        f"<Payer><PayerBasic><CompanyName>{payer}</CompanyName></PayerBasic></Payer><Reports>"
        f"<Report><ReportData><ActionCode>{action}</ActionCode>"
        f"<ReportId>{report or paid}</ReportId>{version}</ReportData><IncomeEarner>"
        f"<IncomeEarnerIds><Id><Type>2</Type><Code>{SUBJECT}</Code></Id></IncomeEarnerIds>"
        f"</IncomeEarner><Transactions>{''.join(transactions)}</Transactions></Report></Reports>"
        f"</DeliveryData></r:{root}>"
    )


def parsed(*deliveries: str) -> dict[str, Value]:
    document = f"{OPEN}{''.join(deliveries)}{CLOSE}".encode()
    return values(incomes_register.parse(document, subject=SUBJECT))


def test_one_report_alone_is_read() -> None:
    made = incomes_register.parse(SMALL[SourceId("incomes-register")].read_bytes())
    assert values(made) == {
        "income.monthly_gross": 112000,
        "income.employer": "Esimerkki Oy",
        "income.last_payment_date": "2026-11-15",
        "income.yearly_total": 112000,
    }
    assert made.facts[0].observed_at.isoformat() == "2026-11-16T07:30:00+00:00"


def test_deductions_are_not_income() -> None:
    found = parsed(delivery("2026-11-15", transaction(101, "2000.00"), transaction(402, "500.00")))
    assert found["income.monthly_gross"] == 200000


def test_wages_reported_one_by_one_are_added_up() -> None:
    found = parsed(
        delivery(
            "2026-11-15",
            transaction(201, "1500"),
            transaction(225, "99.5"),
            transaction(311, "40.00"),  # kilometre allowance, no wage
        )
    )
    assert found["income.monthly_gross"] == 159950


def test_the_month_is_the_last_one_in_which_wages_were_paid() -> None:
    found = parsed(
        delivery("2026-11-15", transaction(101, "300.00")),
        delivery("2026-11-01", transaction(101, "200.00"), payer="Toinen Oy"),
        delivery("2026-10-15", transaction(101, "1000.00")),
        delivery("2025-12-15", transaction(101, "5000.00")),
    )
    assert found["income.monthly_gross"] == 50000
    assert found["income.employer"] == "Esimerkki Oy"
    assert found["income.yearly_total"] == 150000


def test_benefits_stand_beside_wages_and_count_in_the_year() -> None:
    found = parsed(
        delivery("2026-09-15", transaction(101, "1000.00")),
        delivery(
            "2026-11-20",
            transaction(1197, "800.00"),
            transaction(1269, "50.00"),
            kind="Benefit",
            payer="Kassa",
        ),
    )
    assert found["income.benefit_monthly"] == 80000
    assert found["income.employer"] == "Esimerkki Oy"
    assert found["income.yearly_total"] == 180000


def test_benefits_alone_name_no_employer() -> None:
    found = parsed(delivery("2026-11-20", transaction(1197, "800.00"), kind="Benefit"))
    assert found.keys() == {"income.benefit_monthly", "income.yearly_total"}


@pytest.mark.parametrize("turned", [False, True])
def test_a_replacing_report_counts_instead_of_the_replaced(turned: bool) -> None:
    deliveries = [
        delivery("2026-11-15", transaction(101, "1000.00"), report="1"),
        delivery(
            "2026-11-15",
            transaction(101, "900.00"),
            report="1",
            version="<ReportVersion>2</ReportVersion>",
        ),
    ]
    found = parsed(*(reversed(deliveries) if turned else deliveries))
    assert found["income.yearly_total"] == 90000


def test_what_was_recovered_is_taken_off_and_what_had_no_ground_left_out() -> None:
    found = parsed(
        delivery(
            "2026-11-15",
            transaction(201, "1000.00"),
            transaction(202, "100.00", "Recovery"),
            transaction(203, "70.00", "UnjustEnrichment"),
        )
    )
    assert found["income.monthly_gross"] == 90000


def test_a_payment_shows_neither_payer_nor_amount_in_its_repr() -> None:
    document = delivery("2026-11-15", transaction(101, "1234.56")).encode()
    root = read_xml(document, incomes_register.SOURCE, roots={incomes_register.WAGES})
    (payment,) = incomes_register._payments(root, None)
    assert "Esimerkki" not in repr(payment)
    assert "123456" not in repr(payment)


def test_two_reports_of_one_id_and_version_are_refused() -> None:
    first = delivery("2026-11-15", transaction(101, "1234.56"))
    second = delivery("2026-11-15", transaction(101, "1.00"))
    with pytest.raises(MalformedDocumentError, match="holds one version of a report twice"):
        parsed(first, second)

"""The doctor looks at what is sealed about some people, and tells when it is not as it was."""

import pytest
from sqlalchemy import text

from service.doctor.finding import Finding
from service.doctor.seals import check_seals
from tests.service.office import Office
from tests.unguarded import unguard


def found(office: Office) -> Finding:
    runtime = office.runtime
    return check_seals(runtime.ledger.engine, runtime.settings)


def changed(office: Office, table: str, statement: str) -> None:
    with office.runtime.ledger.engine.begin() as connection:
        unguard(connection, table)
        assert connection.execute(text(statement)).rowcount > 0


def test_what_is_kept_as_it_came_is_in_order(each_office: Office) -> None:
    finding = found(each_office)
    assert finding.ok
    assert finding.found == "what is kept of 1 people is what the log says"


@pytest.mark.parametrize(
    ("table", "statement", "told"),
    [
        (
            "vault_record_version",
            "UPDATE vault_record_version SET sealed = zeroblob(9)",
            "deposits are not what the log says",
        ),
        (
            "audit_event",
            "UPDATE audit_event SET commitment = zeroblob(32)",
            "an event about a person is not as it was written",
        ),
    ],
)
def test_what_somebody_changed_past_us_is_found(
    office: Office, table: str, statement: str, told: str
) -> None:
    changed(office, table, statement)
    finding = found(office)
    assert told in finding.found
    assert "tell the auditor" in finding.repair

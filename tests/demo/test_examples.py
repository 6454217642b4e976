"""The programs in `docs/examples`, run as they stand against a running demo."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.demo_data.people import demo_person
from tests.running import RunningDemo
from tests.visitor import Visitor

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.fixture
def matti(demo: RunningDemo) -> Iterator[Visitor]:
    """Signed in by the identity provider's own page, since a link works once only."""
    with Visitor() as visitor:
        chooser = visitor.open(demo.page("sign-in"))
        home = visitor.open(chooser.link("person=matti"))
        assert home.url == demo.page("")
        yield visitor


def test_an_agency_gets_what_a_person_gives_and_nothing_after_she_withdraws(
    demo: RunningDemo, matti: Visitor
) -> None:
    with _asking(demo, "kela") as (program, address):
        page = matti.open(address)
        receipt = matti.send(page, page.form("/requests/"), button="give")
        matti.open(receipt.link("/oauth/return/"))
        assert program.stdout is not None
        values = [program.stdout.readline() for _ in range(3)]
        assert [line.split(":")[0] for line in values] == [
            "income.monthly_gross",
            "income.employer",
            "income.last_payment_date",
        ]
        consents = matti.open(demo.page("consents"))
        matti.send(consents, consents.form(f"/consents/{_consent_of(page.url)}/withdraw"))
        said, _ = program.communicate("\n", timeout=30)
        assert "refused (403)" in said
        assert program.returncode == 1


def test_an_agency_hears_of_a_refusal(demo: RunningDemo, matti: Visitor) -> None:
    with _asking(demo, "debt-counsel") as (program, address):
        page = matti.open(address)
        receipt = matti.send(page, page.form("/requests/"), button="refuse")
        matti.open(receipt.link("/oauth/return/"))
        said, _ = program.communicate(timeout=30)
        assert said.strip() == "not given: access_denied"
        assert program.returncode == 1


def test_an_authority_fetches_by_law_and_the_person_sees_it(
    demo: RunningDemo, matti: Visitor
) -> None:
    done = _fetch_by_law(demo)
    assert done.returncode == 0, done.stderr
    assert "income.yearly_total: " in done.stdout
    assert "law" in matti.open(demo.page("log")).text


def test_an_authority_keeps_the_promises_and_checks_them_without_us(
    demo: RunningDemo, tmp_path: Path
) -> None:
    folder = tmp_path / "promises"
    kept = _fetch_by_law(demo, "--keep", str(folder))
    assert kept.returncode == 0, kept.stderr
    promises = sorted(folder.glob("*.promise"))
    assert promises
    done = _check(demo, *promises)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": kept") == len(promises)
    assert "comes from the service itself" in done.stdout
    _forge(promises[0])
    forged = _check(demo, promises[0])
    assert forged.returncode == 1
    assert "not signed by the log" in forged.stdout


def test_a_register_hands_in_a_document_and_may_try_again(
    demo: RunningDemo, tmp_path: Path
) -> None:
    subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21"}
    document = {
        "subject": subject | {"id": demo_person("matti").identity_code},
        "dataset": "income",
        "observed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "facts": {"income.monthly_gross": {"value": 123_456}},
    }
    first = _deposit(demo, document, "--keep", str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("kept: ")
    again = _deposit(demo, document)
    assert again.stdout == first.stdout
    refused = _deposit(demo, document | {"dataset": "residence"})
    assert refused.returncode == 1
    assert "refused (403)" in refused.stdout
    signed = _deposit(demo, document, "--sign")
    assert signed.stdout.startswith("kept: "), signed.stdout + signed.stderr
    done = _check(demo, *tmp_path.glob("*.promise"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "monthly_gross: 123456" in _fetch_by_law(demo).stdout


def _deposit(
    demo: RunningDemo, document: dict[str, Any], *options: str
) -> subprocess.CompletedProcess[str]:
    source = demo.folder / "agencies" / "tax-admin.json"
    return subprocess.run(
        [sys.executable, EXAMPLES / "deposit_as_source.py", source, *options],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _fetch_by_law(demo: RunningDemo, *options: str) -> subprocess.CompletedProcess[str]:
    agency = demo.folder / "agencies" / "kela.json"
    return subprocess.run(
        [sys.executable, EXAMPLES / "statutory_fetch.py", agency, *options],
        input=demo_person("matti").identity_code + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _check(demo: RunningDemo, *promises: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / "check_promise.py", demo.base_url, *promises],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def _forge(promise: Path) -> None:
    """Another time in the text, under the same signature."""
    note = base64.urlsafe_b64decode(promise.read_text().strip() + "==").decode()
    forged = re.sub(r"\n20\d\d-", "\n2001-", note)
    promise.write_text(base64.urlsafe_b64encode(forged.encode()).decode().rstrip("="))


def _consent_of(url: str) -> str:
    found = re.search(r"/requests/([0-9a-f-]{36})", url)
    assert found is not None
    return found[1]


@contextmanager
def _asking(demo: RunningDemo, organisation: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program has asked and waits for the answer."""
    agency = demo.folder / "agencies" / f"{organisation}.json"
    assert json.loads(agency.read_text())["issuer"] == demo.base_url
    program = subprocess.Popen(
        [sys.executable, "-u", EXAMPLES / "fetch_as_agency.py", agency, "--again"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        line = program.stdout.readline()
        assert line.startswith("Send the person to "), program.communicate()
        yield program, line.removeprefix("Send the person to ").strip()
    finally:
        program.kill()
        program.wait()

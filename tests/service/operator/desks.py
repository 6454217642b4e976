"""Operators at their desks: signed in, pressing buttons of the pages and calling the API."""

import json
from dataclasses import replace
from typing import Any

from starlette.testclient import TestClient

from policies.catalogue import load_catalogue
from policies.ids import DatasetId, PurposeId
from policies.purpose_terms import MinorRule, PurposeTerms
from policies.service_declarations import declared_by_catalogue
from policies.text import Text
from policies.vocabulary import Role
from tests.service.house import AINO, House, form_of

OPERATOR = "170269-938M"
API = "/api/v1/operator"
PAGES = "/en/operator/declarations"
CATALOGUE = load_catalogue()
TERMS = PurposeTerms(
    retention_period="P1Y", storage_locations=("FI",), minor_rule=MinorRule.ADULTS_ONLY
)
ADVICE = replace(CATALOGUE.purpose(PurposeId("debt-advice")), terms=TERMS)
NEWER = replace(ADVICE, version=2, retention=Text(fi="Vuosi.", sv="Ett år.", en="A year."))
INCOME = declared_by_catalogue(CATALOGUE, CATALOGUE.dataset(DatasetId("income")))
STRICTER = replace(INCOME, version=2, max_validity_days=30)


def text_of(declaration: Any) -> str:
    return json.dumps(declaration.to_json(), ensure_ascii=False)


def operators(house: House) -> tuple[TestClient, TestClient]:
    """Two of them."""
    one = house.signed_in(OPERATOR, role=Role.OPERATOR)
    return one, house.signed_in(AINO, role=Role.OPERATOR)


def press(browser: TestClient, page: str, action: str, **fields: str) -> str:
    """Send the form of the page that goes to the address; the page where one then is."""
    form = form_of(browser.get(page).text, action)
    answer = browser.post(action, data=form | fields)
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def call(browser: TestClient, method: str, path: str, content: Any = None) -> Any:
    """The JSON of a good answer of the API."""
    answer = browser.request(method, API + path, json=content)
    assert answer.status_code < 300, answer.text
    return answer.json()

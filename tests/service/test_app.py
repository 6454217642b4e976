"""The application as a whole: addresses that nearly fit, and methods that do not."""

import pytest
from starlette.testclient import TestClient

from tests.service.house import House


@pytest.fixture
def stranger(house: House) -> TestClient:
    """A caller that names another host than ours."""
    browser = house.visitor()
    browser.headers["Host"] = "evil.example"
    return browser


@pytest.mark.parametrize("path", ["/fi/requests/", "/oauth/token/", "/api/v1/data/", "/healthz/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slash_too_many_leads_nowhere(stranger: TestClient, method: str, path: str) -> None:
    """A redirect would be a 307, and to the host that the caller named."""
    answer = stranger.request(method, path)
    assert answer.status_code in {401, 404, 405}
    assert "location" not in answer.headers


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_language_alone_leads_to_its_front_page(stranger: TestClient, language: str) -> None:
    answer = stranger.get(f"/{language}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/{language}/")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/par"])
def test_a_wrong_method_is_answered_with_the_right_one(house: House, path: str) -> None:
    answer = house.visitor().get(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"] == "invalid_request"

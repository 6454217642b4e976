"""The table of refusals: whole, in plain ASCII, and each code one that a standard has."""

import re
from pathlib import Path

import pytest

import service.oauth
from service.oauth.errors import ERRORS, OAuthError, Reason, error_answer
from tests.service.office import content

CODES = {
    # RFC 6749 sections 4.1.2.1 and 5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "invalid_scope",
    # RFC 8707, RFC 9101, RFC 9396, RFC 9449
    "invalid_target",
    "request_not_supported",
    "invalid_authorization_details",
    "invalid_dpop_proof",
    "use_dpop_nonce",
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_standard_code_and_an_explanation(reason: Reason) -> None:
    error = OAuthError(reason)
    assert error.code in CODES
    # RFC 6749 section 5.2: printable ASCII without quotation mark and backslash.
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{10,120}", error.description)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason)
    assert content(error_answer(error))["error"] == error.code


def test_every_reason_is_given_somewhere() -> None:
    folder = Path(service.oauth.__file__).parent.parent
    source = "".join(path.read_text() for path in folder.rglob("*.py"))
    unused = [reason for reason in Reason if source.count(f"Reason.{reason.name}") < 2]
    assert not unused
    assert set(ERRORS) == set(Reason)

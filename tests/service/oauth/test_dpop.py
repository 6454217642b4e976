"""DPoP proofs (RFC 9449): the standard's own example, then each check of section 4.3."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.exchange import Answer
from service.oauth.dpop import Expected, token_hash, verify
from service.oauth.errors import OAuthError, Reason
from tests.consent.flow import NOW
from tests.service.office import PUSHED, Office, content, header, new_key, open_office, public_jwk

SECONDS = int(NOW.timestamp())

# RFC 9449 section 4.1 (figure 1) and section 7.1 (figure 12), with the token of section 5.
AT_TOKEN_ENDPOINT = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0"
    "dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8"
    "igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
AT_RESOURCE = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0"
    "cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVI"
    "eU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1p"
    "lemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
# RFC 9449 section 6.1.
THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_the_examples_of_the_standard_verify() -> None:
    at_token = Expected("POST", "https://server.example.com/token", _at(1562262616))
    assert verify([AT_TOKEN_ENDPOINT], at_token).jkt == THUMBPRINT
    at_resource = Expected(
        "GET",
        "https://resource.example.org/protectedresource",
        _at(1562262618),
        ath=token_hash(ACCESS_TOKEN),
    )
    assert verify([AT_RESOURCE], at_resource).jkt == THUMBPRINT


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def law_with(office: Office, *proofs: str) -> Answer:
    """A token request of the authority with these proofs."""
    form = {"grant_type": "refresh_token", "refresh_token": "x" * 43}
    return office.send(office.authority.form("/oauth/token", form, proofs=list(proofs)))


def error_of(answer: Answer) -> str:
    error: str = content(answer)["error"]
    return error


@pytest.mark.parametrize(
    "claims",
    [
        {"htu": "HTTPS://VAULT.EXAMPLE.FI/oauth/token"},
        {"htu": "https://vault.example.fi:443/oauth/token"},
        {"htu": "https://vault.example.fi/oauth/token?a=b#c"},
        {"htu": "https://vault.example.fi/oauth/%74oken"},
        {"htu": "https://vault.example.fi/x/../oauth/./token"},
        {"iat": SECONDS + 10},
        {"iat": SECONDS - 60},
        {"iat": SECONDS + 0.5},
        {"nonce": "not asked for"},
    ],
)
def test_a_good_proof_goes_through_to_the_grant(
    busy_office: Office, claims: dict[str, Any]
) -> None:
    proof = busy_office.authority.proof("POST", "/oauth/token", **claims)
    assert error_of(law_with(busy_office, proof)) == "invalid_grant"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"jti": None}, Reason.PROOF_CLAIMS),
        ({"jti": ""}, Reason.PROOF_CLAIMS),
        ({"jti": 5}, Reason.PROOF_CLAIMS),
        ({"jti": "x" * 257}, Reason.PROOF_CLAIMS),
        ({"htm": None}, Reason.PROOF_CLAIMS),
        ({"htu": None}, Reason.PROOF_CLAIMS),
        ({"htu": ["https://vault.example.fi/oauth/token"]}, Reason.PROOF_CLAIMS),
        ({"iat": None}, Reason.PROOF_CLAIMS),
        ({"iat": "now"}, Reason.PROOF_CLAIMS),
        ({"iat": True}, Reason.PROOF_CLAIMS),
        ({"iat": -1}, Reason.PROOF_CLAIMS),
        ({"htm": "GET"}, Reason.PROOF_METHOD),
        ({"htm": "post"}, Reason.PROOF_METHOD),
        ({"htu": "http://vault.example.fi/oauth/token"}, Reason.PROOF_ADDRESS),
        ({"htu": "https://vault.example.fi/oauth/par"}, Reason.PROOF_ADDRESS),
        ({"htu": "https://vault.example.fi/oauth/token/"}, Reason.PROOF_ADDRESS),
        ({"htu": "https://vault.example.fi:8443/oauth/token"}, Reason.PROOF_ADDRESS),
        ({"htu": "https://vault.example.fi.evil/oauth/token"}, Reason.PROOF_ADDRESS),
        ({"htu": "https://u@vault.example.fi/oauth/token"}, Reason.PROOF_ADDRESS),
        ({"htu": "/oauth/token"}, Reason.PROOF_ADDRESS),
        ({"htu": ""}, Reason.PROOF_ADDRESS),
        ({"iat": SECONDS - 61}, Reason.PROOF_TIME),
        ({"iat": SECONDS + 61}, Reason.PROOF_TIME),
    ],
)
def test_a_wrong_claim_is_refused(
    busy_office: Office, claims: dict[str, Any], reason: Reason
) -> None:
    proof = busy_office.authority.proof("POST", "/oauth/token", **claims)
    with pytest.raises(OAuthError, match=reason):
        verify([proof], Expected("POST", "https://vault.example.fi/oauth/token", NOW))
    assert error_of(law_with(busy_office, proof)) == "invalid_dpop_proof"


def test_there_must_be_exactly_one_proof(busy_office: Office) -> None:
    proof = busy_office.authority.proof
    assert error_of(law_with(busy_office)) == "invalid_dpop_proof"
    two = [proof("POST", "/oauth/token"), proof("POST", "/oauth/token")]
    assert error_of(law_with(busy_office, *two)) == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"jwk": None},
        {"crit": ["jwk"]},
        {"jku": "https://evil.example"},
        {"x5c": ["AA"]},
    ],
)
def test_a_wrong_header_is_refused(busy_office: Office, changed: dict[str, Any]) -> None:
    proof = busy_office.authority.proof("POST", "/oauth/token", header=changed)
    assert error_of(law_with(busy_office, proof)) == "invalid_dpop_proof"


def test_a_private_key_in_the_header_is_refused(busy_office: Office) -> None:
    jwk = public_jwk(busy_office.authority.dpop_key) | {"d": "AAAA"}
    proof = busy_office.authority.proof("POST", "/oauth/token", header={"jwk": jwk})
    with pytest.raises(OAuthError, match=Reason.PROOF_KEY):
        verify([proof], Expected("POST", "https://vault.example.fi/oauth/token", NOW))


def test_the_key_of_another_signer_is_refused(busy_office: Office) -> None:
    jwk = public_jwk(new_key("ES256"))
    proof = busy_office.authority.proof("POST", "/oauth/token", header={"jwk": jwk})
    with pytest.raises(OAuthError, match=Reason.PROOF_SIGNATURE):
        verify([proof], Expected("POST", "https://vault.example.fi/oauth/token", NOW))


def test_a_key_for_another_algorithm_is_refused(busy_office: Office) -> None:
    jwk = public_jwk(new_key("EdDSA"))
    proof = busy_office.authority.proof("POST", "/oauth/token", header={"jwk": jwk})
    with pytest.raises(OAuthError, match=Reason.PROOF_KEY):
        verify([proof], Expected("POST", "https://vault.example.fi/oauth/token", NOW))


@pytest.mark.parametrize("value", ["", "a.b.c", "x" * 9000, "e30.e30.", "null"])
def test_what_is_no_proof_is_refused(busy_office: Office, value: str) -> None:
    assert error_of(law_with(busy_office, value)) == "invalid_dpop_proof"


def test_a_proof_serves_once_even_at_once(each_office: Office) -> None:
    token = content(each_office.by_law())["access_token"]
    call = each_office.authority.get("/api/v1/data/income", token)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(each_office.send, [call] * 8))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 7


def test_the_same_id_under_another_key_is_another_proof(busy_office: Office) -> None:
    first = busy_office.authority.proof("POST", "/oauth/token", jti="one")
    assert error_of(law_with(busy_office, first)) == "invalid_grant"
    assert error_of(law_with(busy_office, first)) == "invalid_dpop_proof"
    other = busy_office.program.proof("POST", "/oauth/token", jti="one")
    assert error_of(law_with(busy_office, other)) == "invalid_grant"


def test_a_nonce_is_demanded_where_it_is_set(tmp_path: Path) -> None:
    from audit.database import open_engine
    from tests.schema import create_tables

    url = f"sqlite:///{tmp_path / 'vault.db'}"
    create_tables(open_engine(url))
    office = open_office(url, tmp_path, dpop_nonces=True)
    asked = office.send(office.program.form("/oauth/par", PUSHED))
    assert error_of(asked) == "use_dpop_nonce"
    nonce = header(asked, "dpop-nonce")
    proofs = [office.program.proof("POST", "/oauth/par", nonce=nonce)]
    taken = office.send(office.program.form("/oauth/par", PUSHED, proofs=proofs))
    assert taken.status == 201
    assert header(taken, "dpop-nonce") == nonce
    office.clock.advance(minutes=10)
    late = [office.program.proof("POST", "/oauth/par", nonce=nonce)]
    refused = office.send(office.program.form("/oauth/par", PUSHED, proofs=late))
    assert error_of(refused) == "use_dpop_nonce"
    office.runtime.close()

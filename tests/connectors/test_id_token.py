"""Every check of the ID token, by tokens that a lying provider sends over a real socket."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from joserfc import jwe, jwt
from joserfc.jwk import OctKey, RSAKey

from connectors.client_keys import SigningKey, jose_key, public_jwks
from connectors.id_token import instant
from connectors.jose_registry import SignatureRegistry
from connectors.levels import EIDAS_HIGH
from connectors.ports import EIDAS_SCHEME, IDENTITY_CODE_SCHEME, SATU_SCHEME, LoginStart
from connectors.sign_in_errors import AssuranceError, IdTokenError, NoIdentifierError
from policies.vocabulary import LevelOfAssurance
from tests.connectors.forger import NAME, Forger
from tests.connectors.registration import CLIENT, NOW, new_key

DECRYPTION_KEY = RSAKey.generate_key(2048)
SIGNING_RSA = rsa.generate_private_key(65537, 2048)
SECONDS = int(NOW.timestamp())


def refused(forger: Forger) -> str:
    with pytest.raises(IdTokenError) as refusal:
        forger.finish()
    return refusal.value.check


def accepted(forger: Forger, start: LoginStart | None = None) -> None:
    assert forger.finish(start).subject_ids


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_an_honest_token_is_accepted(forger: Forger) -> None:
    assertion = forger.finish()
    assert assertion.subject_ids == ((IDENTITY_CODE_SCHEME, "010190-999W"),)
    assert assertion.loa is LevelOfAssurance.HIGH
    assert assertion.method == "urn:example:bank"
    assert assertion.auth_time == NOW


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "http://127.0.0.1:1"),
        ("iss", None),
        ("aud", "another-client"),
        ("aud", [CLIENT, "another-client"]),
        ("aud", []),
        ("aud", None),
        ("nonce", "another-nonce"),
        ("nonce", ""),
        ("nonce", None),
        ("sub", None),
        ("sub", 7),
        ("exp", SECONDS - 10),
        ("exp", "tomorrow"),
        ("exp", None),
        ("iat", SECONDS + 11),
        ("iat", None),
        ("nbf", SECONDS + 11),
        ("azp", "another-client"),
        ("auth_time", "now"),
        ("amr", "bank"),
    ],
)
def test_a_wrong_claim_is_refused(forger: Forger, claim: str, value: object) -> None:
    forger.begin()
    forger.claims[claim] = value
    if value is None:
        forger.claims[claim] = None
    assert claim in refused(forger)


@pytest.mark.parametrize(("claim", "by"), [("exp", -9), ("iat", 10), ("nbf", 10)])
def test_clocks_may_differ_by_ten_seconds(forger: Forger, claim: str, by: int) -> None:
    forger.claims[claim] = SECONDS + by
    accepted(forger)


def test_an_audience_in_a_list_of_one_is_accepted(forger: Forger) -> None:
    forger.claims["aud"] = [CLIENT]
    accepted(forger)


def test_an_unsigned_token_is_refused(forger: Forger) -> None:
    start = forger.begin()
    forger.token = unsigned({"alg": "none"}, {**forger.claims, "nonce": start.nonce})
    with pytest.raises(IdTokenError) as refusal:
        forger.finish(start)
    assert refusal.value.check == "alg"


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(forger: Forger) -> None:
    start = forger.begin()
    secret = OctKey.import_key(json.dumps(forger.jwks["keys"][0]))
    claims = {**forger.claims, "nonce": start.nonce}
    forger.token = jwt.encode({"alg": "HS256"}, claims, secret)
    with pytest.raises(IdTokenError) as refusal:
        forger.finish(start)
    assert refusal.value.check == "alg"


def test_a_token_signed_by_another_key_under_the_right_name_is_refused(forger: Forger) -> None:
    start = forger.begin()
    stranger, kid = jose_key(new_key()), jose_key(forger.key).kid
    claims = {**forger.claims, "nonce": start.nonce}
    forger.token = jwt.encode({"alg": "ES256", "kid": kid}, claims, stranger)
    with pytest.raises(IdTokenError) as refusal:
        forger.finish(start)
    assert refusal.value.check == "signature"


def test_changed_claims_are_refused(forger: Forger) -> None:
    start = forger.begin()
    header, _, signature = forger.sign({**forger.claims, "nonce": start.nonce}).split(".")
    other = unsigned({}, {**forger.claims, "nonce": start.nonce, "acr": EIDAS_HIGH}).split(".")[1]
    forger.token = f"{header}.{other}.{signature}"
    with pytest.raises(IdTokenError) as refusal:
        forger.finish(start)
    assert refusal.value.check == "signature"


@pytest.mark.parametrize(
    ("token", "check"),
    [
        ("", "signature"),
        ("a.b", "signature"),
        ("a.b.c", "signature"),
        ("ä.b.c", "signature"),
        ("a.b.c.d.e", "encryption"),
        ("x" * 40_000, "size"),
        (base64.urlsafe_b64encode(b"[]").decode() + ".e30.x", "signature"),
        (unsigned({"alg": ["ES256"]}, {}), "alg"),
    ],
)
def test_what_is_no_token_is_refused(forger: Forger, token: str, check: str) -> None:
    forger.token = token or " "
    assert refused(forger) == check


def test_a_new_key_is_fetched_once(forger: Forger) -> None:
    accepted(forger)
    forger.key = new_key()
    forger.jwks = public_jwks(forger.key)
    forger.claims.pop("nonce")
    accepted(forger)
    assert forger.fetched.count("jwks") == 2


def test_an_unknown_key_is_looked_for_once_and_refused(forger: Forger) -> None:
    forger.key = new_key()
    assert refused(forger) == "kid"
    assert forger.fetched.count("jwks") == 2


def test_without_a_key_id_the_one_key_of_the_kind_is_taken(forger: Forger) -> None:
    start = forger.begin()
    claims = {**forger.claims, "nonce": start.nonce}
    forger.token = jwt.encode({"alg": "ES256"}, claims, jose_key(forger.key))
    accepted(forger, start)


def test_without_a_key_id_two_keys_of_the_kind_are_one_too_many(forger: Forger) -> None:
    start = forger.begin()
    claims = {**forger.claims, "nonce": start.nonce}
    forger.jwks["keys"] += public_jwks(new_key())["keys"]
    forger.token = jwt.encode({"alg": "ES256"}, claims, jose_key(forger.key))
    with pytest.raises(IdTokenError) as refusal:
        forger.finish(start)
    assert refusal.value.check == "kid"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (SIGNING_RSA, "PS256"),
        (SIGNING_RSA, "RS256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
    ids=["PS256", "RS256", "EdDSA", "Ed25519"],
)
def test_each_algorithm_of_the_list_is_accepted(
    forger: Forger, key: SigningKey, algorithm: str
) -> None:
    start = forger.begin()
    made = jose_key(key)
    public = {**made.as_dict(private=False), "alg": algorithm}
    forger.jwks = {"keys": [public]}
    claims = {**forger.claims, "nonce": start.nonce}
    header = {"alg": algorithm, "kid": made.kid}
    registry = SignatureRegistry([algorithm])
    forger.token = jwt.encode(header, claims, made, registry=registry)
    accepted(forger, start)


def encrypted(forger: Forger, key: RSAKey, nonce: str) -> str:
    """As the Finnish trust network does: RSA-OAEP, A128CBC-HS256, `iss` and `aud` in the header."""
    header = {
        "alg": "RSA-OAEP",
        "enc": "A128CBC-HS256",
        "cty": "JWT",
        "iss": forger.issuer,
        "aud": CLIENT,
    }
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP", "A128CBC-HS256"], strict_check_header=False)
    signed = forger.sign({**forger.claims, "nonce": nonce})
    return jwe.encrypt_compact(header, signed.encode(), key, registry=registry)


def test_an_encrypted_token_is_opened(forger: Forger) -> None:
    key = DECRYPTION_KEY
    forger.configure(decryption_key=key)
    start = forger.begin()
    forger.token = encrypted(forger, key, start.nonce)
    accepted(forger, start)


def test_a_token_for_another_key_is_refused(forger: Forger) -> None:
    forger.configure(decryption_key=DECRYPTION_KEY)
    start = forger.begin()
    forger.token = encrypted(forger, RSAKey.generate_key(2048), start.nonce)
    with pytest.raises(IdTokenError) as refusal:
        forger.finish(start)
    assert refusal.value.check == "encryption"


def test_an_open_token_is_refused_where_encrypted_ones_are_agreed(forger: Forger) -> None:
    forger.configure(decryption_key=DECRYPTION_KEY)
    assert refused(forger) == "encryption"


@pytest.mark.parametrize(
    "acr", [None, "", "http://ftn.ficora.fi/2017/loatest2", "0", ["x"], {"a": 1}]
)
def test_an_unknown_level_of_assurance_is_refused(forger: Forger, acr: object) -> None:
    forger.claims["acr"] = acr
    with pytest.raises(AssuranceError) as refusal:
        forger.finish()
    assert refusal.value.stated is None


def test_a_level_lower_than_asked_is_refused(forger: Forger) -> None:
    forger.configure(acr_levels={"low": LevelOfAssurance.LOW, "high": LevelOfAssurance.HIGH})
    forger.claims["acr"] = "low"
    with pytest.raises(AssuranceError) as refusal:
        forger.finish()
    assert refusal.value.stated is LevelOfAssurance.LOW


def test_a_person_is_looked_up_by_satu_then_identity_code_then_eidas(forger: Forger) -> None:
    forger.claims |= {EIDAS_SCHEME: "ES/FI/ABC-1", SATU_SCHEME: "10000001n"}
    assert forger.finish().subject_ids == (
        (SATU_SCHEME, "10000001N"),
        (IDENTITY_CODE_SCHEME, "010190-999W"),
        (EIDAS_SCHEME, "ES/FI/ABC-1"),
    )


def test_an_identity_code_is_normalised(forger: Forger) -> None:
    forger.claims[IDENTITY_CODE_SCHEME] = "141002a909x"
    assert forger.finish().subject_ids == ((IDENTITY_CODE_SCHEME, "141002A909X"),)


def test_a_sign_in_without_an_identifier_is_refused(forger: Forger) -> None:
    del forger.claims[IDENTITY_CODE_SCHEME]
    with pytest.raises(NoIdentifierError):
        forger.finish()


def test_an_artificial_code_is_refused_in_production(forger: Forger) -> None:
    forger.configure(accept_artificial=False)
    assert refused(forger) == IDENTITY_CODE_SCHEME


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        (IDENTITY_CODE_SCHEME, "010190-999X"),
        (IDENTITY_CODE_SCHEME, 10190999),
        (SATU_SCHEME, "10000001P"),
        (SATU_SCHEME, "100000011N"),
        (SATU_SCHEME, "1000000ıN"),
        (EIDAS_SCHEME, "ES/FI/"),
        (EIDAS_SCHEME, "es/fi/abc"),
        (NAME, ""),
        (NAME, "A\nB"),
        (NAME, "A" * 201),
        (NAME, None),
    ],
)
def test_an_identifier_or_name_that_cannot_be_right_is_refused(
    forger: Forger, claim: str, value: object
) -> None:
    forger.claims[claim] = value
    check = refused(forger)
    assert check == claim
    assert str(value) not in check or not value


@pytest.mark.parametrize(
    "names",
    [
        {"urn:oid:1.2.246.575.1.14": "Testi", "urn:oid:2.5.4.4": "Esimerkki"},
        {"name": "Testi Esimerkki"},
    ],
)
def test_other_ways_to_give_a_name_are_read(forger: Forger, names: dict[str, str]) -> None:
    del forger.claims[NAME]
    forger.claims |= names
    assert forger.finish().name == "Testi Esimerkki"


def test_without_method_and_time_of_authentication_their_neighbours_are_taken(
    forger: Forger,
) -> None:
    del forger.claims["amr"]
    del forger.claims["auth_time"]
    assertion = forger.finish()
    assert assertion.method == forger.claims["acr"]
    assert assertion.auth_time == NOW


@pytest.mark.parametrize(
    ("stated", "protected"), [("1", True), ("0", False), (1, True), ("true", True), (None, True)]
)
def test_whatever_is_not_a_clear_no_protects(
    forger: Forger, stated: object, protected: bool
) -> None:
    forger.claims["urn:oid:1.2.246.517.2002.2.27"] = stated
    assert forger.finish().protected is protected


def test_an_assertion_shows_neither_name_nor_identifier(forger: Forger) -> None:
    shown = repr(forger.finish())
    assert "Testi" not in shown
    assert "010190" not in shown
    assert "protected" not in shown


@pytest.mark.parametrize("value", [True, "1", None, 1e300, float("nan")])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(IdTokenError):
        instant({"auth_time": value}, "auth_time")

"""Signatures under deposits: of the source's own keys, for this use, and over these bytes."""

import json
from typing import Any

import jwt
import pytest

from audit.model import SYSTEM
from audit.unit_of_work import begin
from consent.clients import register_client, suspend_client
from policies.ids import ClientId, OrganisationId
from service.base64url import encode
from service.deposit_signatures import TYPE, checked_by, keys_of, remembering
from service.jwk import import_key
from tests.consent.flow import metadata
from tests.service.office import Office, Program
from vault.stated import DepositSignatureError

DVV = OrganisationId("dvv")
PAYLOAD = b'{"dataset":"residence"}'
RFC = OrganisationId("rfc")


def detached(program: Program, payload: bytes = PAYLOAD, **header: Any) -> str:
    """A signature; a header member set to None is left out."""
    own = {"alg": program.algorithm, "typ": TYPE, "kid": "key-1"} | header
    members = {name: said for name, said in own.items() if said is not None}
    jws = jwt.PyJWS().encode(
        payload, program.key, algorithm=program.algorithm, headers={"typ": None, **members}
    )
    head, _, seal = jws.split(".")
    return f"{head}..{seal}"


def refusal(signature: str, *programs: Program, payload: bytes = PAYLOAD) -> str:
    check = checked_by(lambda _: [import_key(each.jwk()) for each in programs])
    with pytest.raises(DepositSignatureError) as refused:
        check(DVV, payload, signature)
    return refused.value.reason


def registered(office: Office, name: str, organisation: str = "dvv", **members: Any) -> Program:
    program = Program(name, office.clock)
    told = {
        "client_id": name,
        "organisation": organisation,
        "jwks": {"keys": [program.jwk()]},
        "grant_types": ["client_credentials"],
        "redirect_uris": None,
        "authorization_details_types": ["deposit"],
    }
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        register_client(uow, metadata(**(told | members)), office.runtime.catalogue)
    return program


@pytest.fixture
def program(busy_office: Office) -> Program:
    return Program("dvv-1", busy_office.clock)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256"])
def test_each_kind_of_key_signs(busy_office: Office, algorithm: str) -> None:
    program = Program("dvv-1", busy_office.clock, algorithm)
    checked_by(lambda _: [import_key(program.jwk())])(DVV, PAYLOAD, detached(program))


def test_the_signature_is_the_one_of_the_standard() -> None:
    """RFC 8037 appendix A.4, with its key and payload; its header has no type, which we want."""
    key = import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    signature = (
        "eyJhbGciOiJFZERTQSJ9..hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
        "9g7sVvpAr_MuM0KAg"
    )
    check = checked_by(lambda _: [key])
    with pytest.raises(DepositSignatureError, match="signature-form"):
        check(RFC, b"Example of Ed25519 signing", signature)


def test_two_programs_of_one_source_may_call_their_keys_alike(program: Program) -> None:
    other = Program("dvv-2", program.clock)
    check = checked_by(lambda _: [import_key(each.jwk()) for each in (other, program)])
    check(DVV, PAYLOAD, detached(program))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"kid": None},
        {"jku": "https://vault.example.fi"},
        {"crit": ["exp"], "exp": 1},
        {"kid": 1},
    ],
)
def test_a_header_that_says_anything_else_is_refused(
    program: Program, header: dict[str, Any]
) -> None:
    own = {"alg": "ES256", "typ": TYPE, "kid": "key-1"} | header
    written = json.dumps({name: said for name, said in own.items() if said is not None})
    seal = detached(program).split(".")[2]
    assert refusal(f"{encode(written.encode())}..{seal}", program) == "signature-form"


@pytest.mark.parametrize("signature", ["", "a.b", "e30.e30.c2ln", "e30..c2lnbmV", "e30..c2ln.x"])
def test_what_is_no_detached_signature_is_refused(program: Program, signature: str) -> None:
    assert refusal(signature, program) == "signature-form"


def test_a_key_that_is_not_registered_is_refused(program: Program) -> None:
    assert refusal(detached(program)) == "signature-key"
    assert refusal(detached(program, kid="key-2"), program) == "signature-key"
    assert refusal(detached(program), Program("dvv-1", program.clock, "EdDSA")) == "signature-key"


def test_another_key_or_another_document_is_refused(program: Program) -> None:
    other = Program("dvv-1", program.clock)
    assert refusal(detached(other), program) == "signature-wrong"
    assert refusal(detached(program), program, payload=PAYLOAD + b" ") == "signature-wrong"
    cut = detached(program)[:-2]  # one byte
    assert refusal(cut, program) == "signature-wrong"


def test_the_keys_are_those_of_the_programs_that_hand_in_for_the_source(office: Office) -> None:
    first, second = registered(office, "dvv-1"), registered(office, "dvv-2")
    registered(office, "tax-1", "tax-admin")
    registered(office, "dvv-reader", authorization_details_types=None)
    check = remembering(office.runtime.ledger)
    for program in (first, second):
        check(DVV, PAYLOAD, detached(program))
    with office.runtime.ledger.read() as connection:
        assert len(keys_of(connection, DVV)) == 2


def test_a_suspended_program_signs_for_nobody(office: Office) -> None:
    program = registered(office, "dvv-1")
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        suspend_client(uow, ClientId("dvv-1"))
    check = remembering(office.runtime.ledger)
    with pytest.raises(DepositSignatureError, match="signature-key"):
        check(DVV, PAYLOAD, detached(program))

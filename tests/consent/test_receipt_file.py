"""The file that a person keeps: one form of each kind, and anything else is an error."""

import json
from typing import Any

import pytest

from consent.receipt_file import MAX_BYTES, ReceiptFile
from consent.receipt_jws import ReceiptError, unverified_payload
from tests.consent.receipted import JWKS, given_and_withdrawn, house


@pytest.fixture(scope="module")
def file() -> ReceiptFile:
    with house() as ledger:
        return given_and_withdrawn(ledger)[0]


def members(file: ReceiptFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(file))
    return found


def reason(data: str) -> str:
    with pytest.raises(ReceiptError) as error:
        ReceiptFile.parse(data.encode())
    return error.value.reason


def test_what_was_written_is_read_again(file: ReceiptFile) -> None:
    assert ReceiptFile.parse(str(file).encode()) == file
    bare = ReceiptFile(file.jws, None)
    assert ReceiptFile.parse(f"{bare}\n".encode()) == bare


# FAPI 2.0 knows the algorithm by its older name; the library wants the one of RFC 9864.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_another_library_verifies_the_flattened_form(file: ReceiptFile) -> None:
    from joserfc import jws
    from joserfc.jwk import KeySet
    from joserfc.registry import HeaderParameter

    keys = KeySet.import_key_set(JWKS)  # type: ignore[arg-type]  # a plain key set
    registry = jws.JWSRegistry(
        header_registry={"log": HeaderParameter("The proof", lambda _: None)}, algorithms=["EdDSA"]
    )
    written: Any = members(file)
    found = jws.deserialize_json(written, keys, registry=registry)
    assert json.loads(found.payload) == unverified_payload(file.jws)


@pytest.mark.parametrize("name", ["payload", "protected", "signature", "header"])
def test_a_member_that_is_missing_is_an_error(file: ReceiptFile, name: str) -> None:
    assert reason(json.dumps({k: v for k, v in members(file).items() if k != name})) == "form"


def test_a_member_too_many_is_an_error(file: ReceiptFile) -> None:
    assert reason(json.dumps(members(file) | {"signatures": []})) == "form"


def test_a_member_that_stands_twice_is_an_error(file: ReceiptFile) -> None:
    text = str(file)
    assert reason(text.replace('"payload"', '"payload": "e30", "payload"', 1)) == "form"


def test_a_member_that_stands_twice_in_the_proof_is_an_error(file: ReceiptFile) -> None:
    text = str(file)
    assert reason(text.replace('"format"', '"log": "x", "format"', 1)) == "form"


@pytest.mark.parametrize("value", [1, "a.b", None])
def test_a_part_that_is_none_is_an_error(file: ReceiptFile, value: object) -> None:
    assert reason(json.dumps(members(file) | {"payload": value})) == "form"


@pytest.mark.parametrize("header", [[], {}, {"log": {}, "more": 1}, "log"])
def test_a_header_of_another_form_is_an_error(file: ReceiptFile, header: object) -> None:
    assert reason(json.dumps(members(file) | {"header": header})) == "form"


def test_a_proof_that_is_none_is_an_error(file: ReceiptFile) -> None:
    assert reason(json.dumps(members(file) | {"header": {"log": {"format": "x"}}})) == "proof-form"


def test_a_file_that_is_too_long_or_no_json_is_an_error() -> None:
    assert reason("{" + " " * MAX_BYTES + "}") == "form"
    assert reason('{"payload": ') == "form"

"""Operator's commands against a demo that runs: they take effect at once."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from connectors.demo_data.people import demo_person
from policies.catalogue import load_catalogue
from policies.ids import PurposeId
from service.cli.main import main
from tests.agency import Agency
from tests.running import RunningDemo, send
from tests.visitor import Visitor


def invoke(demo: RunningDemo, *arguments: str, typed: str | None = None) -> Result:
    """Run a command in this process on the demo's folder."""
    return CliRunner().invoke(main, [*arguments, "--data", str(demo.folder)], input=typed)


def metadata(client_id: str, **changed: object) -> tuple[dict[str, Any], dict[str, str]]:
    """Metadata of RFC 7591, and the private key that belongs to it."""
    key = generate_private_key(SECP256R1())
    named = {"kid": "k1", "alg": "ES256"}
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | named
    members: dict[str, Any] = {
        "client_id": client_id,
        "client_name": "Case system",
        "organisation": "kela",
        "redirect_uris": ["http://127.0.0.1:8489/callback"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "dpop_bound_access_tokens": True,
        "jwks": {"keys": [public]},
    }
    return members | changed, ECAlgorithm.to_jwk(key, as_dict=True) | named


def test_a_client_is_registered_and_stopped_while_the_service_runs(
    demo: RunningDemo, tmp_path: Path
) -> None:
    members, key = metadata("added-while-running")
    file = tmp_path / "client.json"
    file.write_text(json.dumps(members))
    added = invoke(demo, "client", "add", str(file))
    assert added.exit_code == 0, added.output
    kela = demo.agency("kela")
    program = Agency(
        issuer=kela.issuer,
        client_id="added-while-running",
        key=key,
        redirect_uri=members["redirect_uris"][0],
        request=kela.request,
        statutory_request=kela.statutory_request,
    )
    assert send(program.push("v" * 64)).status_code == 201
    code = demo_person("matti").identity_code
    token = send(program.statutory(code)).json()["access_token"]
    assert send(program.fetch(token, "income")).status_code == 200

    stopped = invoke(demo, "client", "suspend", "added-while-running")
    assert stopped.exit_code == 0, stopped.output
    assert send(program.fetch(token, "income")).status_code in {401, 403}
    assert send(program.push("v" * 64)).status_code == 401


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"organisation": "nobody"}, "organisation"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"redirect_uris": ["http://agency.example/callback"]}, "redirect_uris"),
        ({"client_secret": "s"}, "client_secret"),
    ],
)
def test_faulty_metadata_is_refused_with_the_member(
    demo: RunningDemo, tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    members, _ = metadata("faulty", **changed)
    file = tmp_path / "client.json"
    file.write_text(json.dumps(members))
    result = invoke(demo, "client", "add", str(file))
    assert result.exit_code == 1
    assert f"Why: {told}" in result.output
    assert "Repair: " in result.output


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_is_no_json_object_is_refused(
    demo: RunningDemo, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "client.json"
    file.write_text(content)
    assert "Repair: " in invoke(demo, "client", "add", str(file)).output


def test_a_client_that_is_not_there_cannot_be_stopped(demo: RunningDemo) -> None:
    result = invoke(demo, "client", "suspend", "nobody")
    assert result.exit_code == 1
    assert "client list" in result.output


def test_a_new_version_of_a_purpose_is_registered_and_an_old_one_is_not(
    demo: RunningDemo, tmp_path: Path
) -> None:
    declared = load_catalogue().purpose(PurposeId("bank-loan-offer")).to_json()
    file = tmp_path / "purpose.json"
    file.write_text(json.dumps(declared | {"version": 7}))
    assert "version 7" in invoke(demo, "purpose", "add", str(file)).output
    file.write_text(json.dumps(declared | {"version": 6}))
    older = invoke(demo, "purpose", "add", str(file))
    assert older.exit_code == 1
    assert "Repair: " in older.output
    assert "bank-loan-offer  version 7" in invoke(demo, "purpose", "list").output


def test_a_role_is_given_to_a_person_whose_code_is_typed_and_not_shown(demo: RunningDemo) -> None:
    code = demo_person("helena").identity_code
    given = invoke(demo, "role", "grant", "operator", typed=f"{code}\n")
    assert given.exit_code == 0, given.output
    assert code not in given.output
    with Visitor() as helena:
        helena.open(demo.link("Helena"))
        assert helena.open(demo.page("operator")).status == 200


def test_something_that_is_no_identity_code_gives_no_role(demo: RunningDemo) -> None:
    result = invoke(demo, "role", "grant", "auditor", typed="010101-123X\n")
    assert result.exit_code == 1
    assert "010101" not in result.output


def test_the_doctor_finds_a_running_demo_in_order(demo: RunningDemo) -> None:
    result = invoke(demo, "doctor", "--json")
    assert result.exit_code == 0, result.output
    findings = {each["check"]: each["ok"] for each in json.loads(result.output)}
    looked_at = (
        "python packages catalogue keys key-provider clock migrations guards partitions"
        " keys-and-database log log-outside journal seals time-stamps sign-in port"
    )
    assert set(findings) == set(looked_at.split())
    assert all(findings.values())


def test_keys_are_listed_by_name_and_never_by_value(demo: RunningDemo) -> None:
    listed = invoke(demo, "keys", "status").output
    assert "kek-00000001.secret" in listed
    assert "0600" in listed
    secret = (demo.folder / "keys" / "kek-00000001.secret").read_bytes()
    assert secret.hex() not in listed


def test_the_database_is_at_the_newest_revision(demo: RunningDemo) -> None:
    assert "already at revision" in invoke(demo, "db", "upgrade").output


def test_an_export_verifies_offline_and_a_changed_one_does_not(
    demo: RunningDemo, tmp_path: Path
) -> None:
    file = tmp_path / "log.zip"
    exported = invoke(demo, "audit", "export", str(file))
    assert exported.exit_code == 0, exported.output
    keys = [each for each in exported.output.splitlines() if each.startswith("public key")]
    vkey = keys[0].partition(": ")[2]
    verified = CliRunner().invoke(main, ["audit", "verify", str(file), "--vkey", vkey])
    assert verified.exit_code == 0, verified.output
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    changed = CliRunner().invoke(main, ["audit", "verify", str(file)])
    assert changed.exit_code == 1
    assert "does not verify" in changed.output
    assert "Why: " in changed.output


def test_a_demo_that_runs_is_neither_started_again_nor_removed(demo: RunningDemo) -> None:
    """A second start would write its addresses over those of the first."""
    before = (demo.folder / "settings.json").read_bytes()
    for command in (["demo"], ["demo", "reset"]):
        result = invoke(demo, *command)
        assert result.exit_code == 1
        assert "Ctrl+C" in result.output
    assert (demo.folder / "settings.json").read_bytes() == before

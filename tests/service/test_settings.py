"""Settings: what is refused, and that a refusal names the variable and never the value."""

import re
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings, SettingsError, UnknownSettingError, load_settings

GIVEN: dict[str, Any] = {
    "base_url": "https://vault.example.fi",
    "database_url": "sqlite:///vault.db",
    "data_folder": Path("keys"),
}


def test_the_address_is_the_issuer_without_a_slash() -> None:
    settings = load_settings({}, **GIVEN | {"base_url": "https://vault.example.fi/"})
    assert settings.base_url == "https://vault.example.fi"
    assert settings.log_origin == "vault.example.fi/audit"
    assert settings.secure


def test_the_log_may_keep_its_name_when_the_address_changes() -> None:
    settings = load_settings({}, **GIVEN, log_name="log.example.fi/2026")
    assert settings.log_origin == "log.example.fi/2026"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(f"CONSENT_VAULT_{name.upper()}", str(value))
    monkeypatch.setenv("CONSENT_VAULT_OIDC_ACR", '{"urn:two": 2}')
    assert load_settings().oidc_acr == {"urn:two": 2}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_http_is_for_the_demo_on_loopback(host: str) -> None:
    changed = GIVEN | {"base_url": f"http://{host}:8460"}
    assert not load_settings({}, **changed, demo=True).secure
    with pytest.raises(SettingsError):
        load_settings({}, **changed)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://vault.example.fi",
        "vault.example.fi",
        "https://vault.example.fi/path",
        "https://vault.example.fi?x=y",
        "https://vault.example.fi#x",
        "https://user@vault.example.fi",
        "ftp://vault.example.fi",
        "https://vault.example.fi:port",
        "https://vault.example.fi:99999",
        "https://vault.example.fi:443",
        "https://Vault.example.fi",
        "https://väult.example.fi",
        "https://[::1",
        "https://vault.example.fi ",
        "",
    ],
)
def test_an_address_that_is_no_https_origin_is_refused(base_url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, **GIVEN | {"base_url": base_url}, demo=True)
    assert caught.value.variable == "CONSENT_VAULT_BASE_URL"


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("CONSENT_VAULT_BASEURL", "CONSENT_VAULT_BASE_URL"),
        ("CONSENT_VAULT_DATABSE_URL", "CONSENT_VAULT_DATABASE_URL"),
        ("consent_vault_dpop_nonce", "CONSENT_VAULT_DPOP_NONCES"),
        ("CONSENT_VAULT_SESSION_IDLE", "CONSENT_VAULT_SESSION_IDLE_MINUTES"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_one(variable: str, nearest: str) -> None:
    with pytest.raises(UnknownSettingError) as caught:
        load_settings({variable: "x"}, **GIVEN)
    assert (caught.value.variable, caught.value.nearest) == (variable, nearest)


def test_other_peoples_variables_and_those_of_tests_are_left_alone() -> None:
    load_settings({"PATH": "/bin", "CONSENT_VAULT_TEST_DATABASE_URL": "x"}, **GIVEN)


def test_a_refusal_never_holds_the_value() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, **GIVEN | {"session_hours": "CANARY"})
    assert caught.value.variable == "CONSENT_VAULT_SESSION_HOURS"
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["sqlit:///x", "mysql://h/d", "vault.db", "postgresql://h/d", ""])
def test_a_database_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="must begin with sqlite:///") as caught:
        load_settings({}, **GIVEN | {"database_url": url})
    assert caught.value.variable == "CONSENT_VAULT_DATABASE_URL"


def test_a_database_without_a_readable_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="no address") as caught:
        load_settings({}, **GIVEN | {"database_url": "postgresql+psycopg://h:CANARY/d"})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("value", ["CANARY", "[1]", '{"urn:two": "CANARY"}', '{"urn:two": 17}'])
def test_levels_that_cannot_be_read_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CONSENT_VAULT_OIDC_ACR", value)
    with pytest.raises(SettingsError) as caught:
        load_settings(**GIVEN)
    assert caught.value.variable == "CONSENT_VAULT_OIDC_ACR"
    assert "CANARY" not in str(caught.value)


def test_the_operators_page_tells_of_every_setting_and_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operator.md").read_text()
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| `")]
    told: dict[str, str] = {}
    for names, *rest in (row for row in rows if len(row) == 3):
        defaults = rest[-1].split(",")
        for place, name in enumerate(re.findall(r"`([A-Z0-9_]+)`", names)):
            told[name.lower()] = defaults[min(place, len(defaults) - 1)].strip(" `").lower()
    assert told.keys() == Settings.model_fields.keys()
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | str):
            assert told[name] == str(field.default).lower(), name


def test_secrets_do_not_show() -> None:
    changed = GIVEN | {"database_url": "postgresql+psycopg://u:CANARY@h/d"}
    assert "CANARY" not in repr(load_settings({}, **changed, oidc_client_secret="CANARY"))

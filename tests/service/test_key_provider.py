"""The provider that the settings name: opened, begun once, and refused with the repair."""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.key_errors import KeyProviderError, KeysUnavailableError
from service.doctor.keys import check_key_provider, check_keys
from service.key_provider import LibraryMissingError, open_provider
from service.key_settings import Keeper
from service.settings import Settings
from tests.connectors.transit_server import TOKEN, Key, TransitServer, transit_server
from tests.softhsm import PIN, SoftToken
from vault.envelope import MisplacedError
from vault.keys import KeyProvider, NoKeyError
from vault.providers.file import KeyFolder, KeyPermissionsError
from vault.providers.sealed import SealedKeyError

DEK, CONTEXT = bytes(range(32)), b"context"


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    return {
        "base_url": "https://vault.example.fi",
        "database_url": f"sqlite:///{tmp_path / 'vault.db'}",
        "data_folder": tmp_path / "keys",
    }


@pytest.fixture(scope="module")
def running() -> Iterator[TransitServer]:
    with transit_server() as server:
        yield server


@pytest.fixture(params=list(Keeper))
def settings(
    request: pytest.FixtureRequest,
    base: dict[str, Any],
    token: SoftToken,
    running: TransitServer,
    tmp_path: Path,
) -> Settings:
    """Settings of a new installation, for each provider in turn."""
    running.keys = {}
    of_a_token = of_token(token, private(tmp_path / "pin", PIN + "\n"))
    of_a_server = {
        "transit_url": running.origin,
        "transit_token_file": private(tmp_path / "token", TOKEN),
    }
    given = {
        Keeper.FILE: {},
        Keeper.ENVIRONMENT: {"key_secrets": secrets(1)},
        Keeper.PKCS11: of_a_token,
        Keeper.TRANSIT: of_a_server,
        Keeper.SEALED_BY_PKCS11: of_a_token,
        Keeper.SEALED_BY_TRANSIT: of_a_server,
    }[request.param]
    return Settings(**base, key_provider=request.param, **given)


_OPENED: list[KeyProvider] = []


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


def opened(settings: Settings) -> KeyProvider:
    _OPENED.append(open_provider(settings))
    return _OPENED[-1]


def secrets(*numbers: int) -> str:
    return ",".join(f"{n}:{b64encode(os.urandom(32)).decode()}" for n in numbers)


def private(path: Path, content: str) -> Path:
    path.write_text(content)
    path.chmod(0o600)
    return path


def of_token(token: SoftToken, pin_file: Path) -> dict[str, Any]:
    return {
        "pkcs11_module": token.module,
        "pkcs11_token": "vault of a test",
        "pkcs11_pin_file": pin_file,
    }


def kind(settings: Settings) -> str:
    """First part of the ids of the provider's keys."""
    return settings.key_provider.partition("-")[0]


def begin(settings: Settings) -> None:
    KeyFolder.open_or_create(settings.data_folder).secret("installation")


def test_a_new_installation_gets_its_first_key_and_keeps_it(settings: Settings) -> None:
    first = opened(settings)
    blob = first.wrap(DEK, CONTEXT)
    begin(settings)
    again = opened(settings)
    assert again.unwrap(blob, CONTEXT) == DEK
    assert again.key_ids() == first.key_ids() == (f"{kind(settings)}:1",)
    with pytest.raises(MisplacedError):
        again.unwrap(blob, b"another")


def test_the_doctor_has_the_provider_wrap_and_open(settings: Settings) -> None:
    opened(settings)
    begin(settings)
    found = check_key_provider(settings)
    assert found.found == f"{kind(settings)}:1 wraps, {kind(settings)}:1 open"
    assert found.ok
    assert check_keys(settings.data_folder, settings.key_provider).ok


def test_the_doctor_makes_no_key(settings: Settings) -> None:
    found = check_key_provider(settings)
    if settings.key_provider is not Keeper.ENVIRONMENT:
        assert "no key-encryption key" in found.found
        assert "backup" in found.repair
        with pytest.raises(NoKeyError):
            open_provider(settings, first=False)


def test_an_installation_that_has_begun_gets_no_new_key(settings: Settings) -> None:
    begin(settings)
    if settings.key_provider is not Keeper.ENVIRONMENT:
        with pytest.raises(NoKeyError, match="backup"):
            open_provider(settings)
    assert not list(settings.data_folder.glob("kek-*"))


@pytest.mark.parametrize("keeper", [Keeper.PKCS11, Keeper.TRANSIT])
def test_an_installation_moves_to_another_provider(
    base: dict[str, Any], token: SoftToken, running: TransitServer, tmp_path: Path, keeper: Keeper
) -> None:
    running.keys = {}
    blob = opened(Settings(**base)).wrap(DEK, CONTEXT)
    begin(Settings(**base))
    given = {
        Keeper.PKCS11: of_token(token, private(tmp_path / "pin", PIN)),
        Keeper.TRANSIT: {"transit_url": running.origin, "transit_token": TOKEN},
    }[keeper]
    moving = opened(Settings(**base, key_provider=keeper, key_provider_before=Keeper.FILE, **given))
    assert moving.key_ids() == ("file:1", f"{keeper}:1")
    assert moving.unwrap(blob, CONTEXT) == DEK
    rewrapped = moving.wrap(DEK, CONTEXT)
    moving.destroy("file:1")
    assert not list(base["data_folder"].glob("kek-*"))
    there = opened(Settings(**base, key_provider=keeper, **given))
    assert there.unwrap(rewrapped, CONTEXT) == DEK


@pytest.mark.parametrize("keeper", [Keeper.SEALED_BY_PKCS11, Keeper.SEALED_BY_TRANSIT])
def test_a_sealed_file_without_its_keeper_stops_the_start(
    base: dict[str, Any], token: SoftToken, running: TransitServer, tmp_path: Path, keeper: Keeper
) -> None:
    running.keys = {}
    given = {
        Keeper.SEALED_BY_PKCS11: of_token(token, private(tmp_path / "pin", PIN)),
        Keeper.SEALED_BY_TRANSIT: {"transit_url": running.origin, "transit_token": TOKEN},
    }[keeper]
    settings = Settings(**base, key_provider=keeper, **given)
    opened(settings)
    begin(settings)
    running.keys = {"consent-vault": Key()}
    with token.by_hand() as session:
        for key in list(session.get_objects()):
            key.destroy()
    token.provider().add_key()
    with pytest.raises(SealedKeyError, match="backup"):
        open_provider(settings)
    assert "sealed by another one" in check_key_provider(settings).found


def test_a_pin_that_others_may_read_is_refused(base: dict[str, Any], token: SoftToken) -> None:
    pin = private(base["data_folder"].parent / "pin", PIN)
    pin.chmod(0o644)
    settings = Settings(**base, key_provider=Keeper.PKCS11, **of_token(token, pin))
    with pytest.raises(KeyPermissionsError):
        open_provider(settings)
    assert not check_key_provider(settings).ok


def test_a_token_of_the_server_that_is_not_there_is_named(base: dict[str, Any]) -> None:
    settings = Settings(
        **base,
        key_provider=Keeper.TRANSIT,
        transit_url="http://127.0.0.1:1",
        transit_token_file=base["data_folder"] / "nothing",
    )
    with pytest.raises(KeysUnavailableError, match="nothing"):
        open_provider(settings)


@pytest.mark.parametrize(
    ("fault", "reason", "repair"),
    [
        ({"pkcs11_module": Path("/nothing.so")}, "cannot be loaded", "PKCS11_MODULE"),
        ({"pkcs11_token": "another"}, "no token has", "PKCS11_TOKEN"),
        ({"pkcs11_pin": "000000", "pkcs11_pin_file": None}, "PIN is wrong", "PKCS11_PIN_FILE"),
    ],
)
def test_what_is_wrong_with_a_token_is_told_with_the_repair(
    base: dict[str, Any],
    token: SoftToken,
    tmp_path: Path,
    fault: dict[str, Any],
    reason: str,
    repair: str,
) -> None:
    given = of_token(token, private(tmp_path / "pin", PIN)) | fault
    settings = Settings(**base, key_provider=Keeper.PKCS11, **given)
    found = check_key_provider(settings)
    assert reason in found.found
    assert repair in found.repair
    with pytest.raises(KeyProviderError, match=reason):
        open_provider(settings)


def test_of_several_starts_at_once_one_makes_the_first_key(
    base: dict[str, Any], token: SoftToken
) -> None:
    script = (
        "import sys; from service.settings import load_settings;"
        "from service.key_provider import open_provider;"
        "print(open_provider(load_settings()).key_ids())"
    )
    given = base | of_token(token, private(base["data_folder"].parent / "pin", PIN))
    environment = {f"CONSENT_VAULT_{k.upper()}": str(v) for k, v in given.items()}
    environment |= {"CONSENT_VAULT_KEY_PROVIDER": "pkcs11"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60) for process in started]
    assert [out.decode().strip() for out, _ in told] == ["('pkcs11:1',)"] * 3, told
    assert token.objects() == 1


def test_the_extra_library_is_named_where_it_is_missing(base: dict[str, Any]) -> None:
    script = (
        "import sys; sys.modules['pkcs11'] = None\n"
        "from pathlib import Path; from service.settings import Settings\n"
        "from service.key_provider import LibraryMissingError, open_provider\n"
        "settings = Settings(base_url='https://v.fi', database_url='sqlite:///x', data_folder="
        "Path(sys.argv[1]), key_provider='pkcs11', pkcs11_module='m', pkcs11_token='t',"
        " pkcs11_pin='p')\n"
        "try:\n    open_provider(settings)\n"
        "except LibraryMissingError as error:\n    print(error.repair)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(base["data_folder"])], capture_output=True, check=True
    )
    assert b"consent-vault[pkcs11]" in done.stdout
    assert "pkcs11" in LibraryMissingError().repair

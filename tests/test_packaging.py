"""The wheel: everything that the program needs is in it, nothing else, and it starts elsewhere."""

import shutil
import subprocess
import sys
from pathlib import Path
from sysconfig import get_path
from zipfile import ZipFile

import httpx2
import pytest

from tests.running import RunningDemo

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("audit", "connectors", "consent", "policies", "service", "vault")
EXAMPLES = "service/demo/examples/"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _uv("build", "--wheel", "--quiet", "--out-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_rooms(wheel: Path) -> None:
    tree = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in _names(wheel) if not name.startswith(EXAMPLES)}
    assert {name for name in packed if ".dist-info/" not in name} == tree


def test_the_wheel_brings_the_six_rooms_and_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in _names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)


def test_the_wheel_names_its_packages_and_its_licence(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    assert {line for line in lines if line.startswith("Import-Name: ")} == {
        f"Import-Name: {room}" for room in ROOMS
    }
    assert "License-Expression: EUPL-1.2" in lines


def test_the_wheel_starts_the_demo_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    _uv("venv", "--quiet", "--python", sys.executable, str(environment))
    pins = tmp_path / "pins.txt"
    _uv("export", "-q", "--locked", "--no-dev", "--no-emit-project", "-o", str(pins))
    python = str(environment / "bin" / "python")
    _uv("pip", "install", "--quiet", "--python", python, "-r", str(pins))
    _uv("pip", "install", "--quiet", "--python", python, "--no-deps", str(wheel))
    command = (str(environment / "bin" / "consent-vault"),)
    demo = RunningDemo(tmp_path / "data", command=command).start()
    try:
        assert EXAMPLES + "fetch_as_agency.py" in demo.output
        assert httpx2.get(demo.page("")).status_code == 200
        checked = subprocess.run(
            [*command, "doctor", "--data", str(demo.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout
    finally:
        demo.stop()


def _names(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return archive.namelist()


def _uv(*arguments: str) -> None:
    beside = Path(get_path("scripts")) / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    assert uv is not None, "uv is missing: the test line of the README installs it"
    subprocess.run([uv, *arguments], cwd=ROOT, check=True, timeout=300)

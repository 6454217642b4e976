"""Starting, stopping, starting again, and the ways in which a start can fail."""

import json
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import httpx2
import pytest

from service.demo.ports import bind, port_of
from tests.running import COMMAND, RunningDemo, running
from tests.visitor import Visitor

ROLES = {"Matti": "citizen", "Auli": "auditor", "Olli": "operator"}


def test_the_last_words_are_at_most_twelve_lines_and_name_what_to_do(demo: RunningDemo) -> None:
    last = demo.output.strip().split("\n\n")[-1].splitlines()
    assert len(last) <= 12
    told = "\n".join(last)
    for part in (demo.base_url, str(demo.folder), "fetch_as_agency.py", "Ctrl+C", "reset"):
        assert part in told


def test_the_first_page_is_there_when_the_last_words_are(demo: RunningDemo) -> None:
    assert httpx2.get(demo.page("")).status_code == 200


@pytest.mark.parametrize(("name", "home"), [("Matti", ""), ("Auli", "audit"), ("Olli", "operator")])
def test_a_link_signs_its_person_in_once(demo: RunningDemo, name: str, home: str) -> None:
    with Visitor() as first, Visitor() as second:
        page = first.open(demo.link(name))
        assert (page.status, page.url) == (200, demo.page(home))
        again = second.open(demo.link(name))
        assert "/people" in again.url or "/authorize" in again.url


def test_keys_and_agencies_files_are_for_their_owner_only(demo: RunningDemo) -> None:
    for folder in (demo.folder, demo.folder / "keys", demo.folder / "agencies"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in folder.iterdir():
            if file.is_file() and folder != demo.folder:
                assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_start_goes_on_with_the_same_data_and_reset_ends_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder) as first, Visitor() as matti:
        matti.open(first.link("Matti"))
        before = matti.open(first.page("data")).text
        assert first.stop() == 0
    with running(folder) as second, Visitor() as matti:
        assert "people and their documents" not in second.output
        matti.open(second.link("Matti"))
        assert matti.open(second.page("data")).text == before
    done = _run("demo", "reset", "--data", str(folder))
    assert done.returncode == 0
    assert not folder.exists()


def test_an_interrupted_first_start_is_continued_and_doubles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder) as demo, Visitor() as matti:
        matti.open(demo.link("Matti"))
        before = [_requests(matti, demo), matti.open(demo.page("consents")).text]
    (folder / "seeded").unlink()
    with running(folder) as demo, Visitor() as matti:
        assert "people and their documents" in demo.output
        matti.open(demo.link("Matti"))
        assert [_requests(matti, demo), matti.open(demo.page("consents")).text] == before


def test_a_database_of_another_installation_is_left_alone(
    demo: RunningDemo, tmp_path: Path
) -> None:
    url = f"sqlite:///{demo.folder / 'vault.db'}"
    done = _run("demo", "--data", str(tmp_path / "other"), "--database", url)
    assert done.returncode == 1
    assert "name an empty database" in done.stderr


def test_a_busy_port_moves_on_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = RunningDemo(tmp_path / "data", port=port)
        demo.start()
        try:
            assert f"port {port} is busy" in demo.output
            assert httpx2.get(demo.page("")).status_code == 200
        finally:
            demo.stop()


def test_a_port_is_found_after_one_that_is_taken() -> None:
    with bind(range(41_000, 41_010)) as first, bind(range(41_000, 41_010)) as second:
        assert port_of(second) > port_of(first)


@pytest.mark.parametrize("command", [("demo",), ("demo", "reset")])
def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path, command: tuple[str, ...]) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    done = _run(*command, "--data", str(tmp_path))
    assert done.returncode == 1
    assert "no demo made" in done.stderr
    assert precious.read_text() == "mine"


def test_keys_that_others_may_read_stop_the_start_with_the_repair(
    demo: RunningDemo, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(demo.folder, folder)
    key = next((folder / "keys").glob("kek-*"))
    key.chmod(0o644)
    done = _run("demo", "--data", str(folder), "--port", str(demo.port))
    assert done.returncode == 1
    assert f"chmod 600 {key}" in done.stderr


def test_settings_of_the_demo_are_found_by_a_second_command(demo: RunningDemo) -> None:
    done = _run("client", "list", "--json", "--data", str(demo.folder))
    assert done.returncode == 0, done.stderr
    assert "kela-demo" in {each["id"] for each in json.loads(done.stdout)}


def _requests(visitor: Visitor, demo: RunningDemo) -> list[str]:
    links = visitor.open(demo.page("requests")).links
    return sorted(label for label, address in links if "/requests/" in address)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60
    )

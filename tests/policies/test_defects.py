"""One stored example for each way in which a data file can be wrong: `defects/*.toml`.

Each names a file of the small catalogue in `good/`, a passage in it, what stands there instead
and the fault that must be found.
"""

import shutil
import tomllib
from pathlib import Path

import pytest

from policies.catalogue import CatalogueError, load_catalogue
from policies.event_texts import load_event_texts
from policies.reasons import load_reasons

HERE = Path(__file__).parent
DEFECTS = sorted((HERE / "defects").iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "good", tmp_path / "data"))


def load_all(folder: Path) -> None:
    load_catalogue(folder)
    load_reasons(folder)
    load_event_texts(folder)


def test_the_good_files_load(folder: Path) -> None:
    load_all(folder)


@pytest.mark.parametrize("path", DEFECTS, ids=lambda path: path.stem)
def test_defect_stops_the_start_and_is_named_by_file_entry_and_member(
    path: Path, folder: Path
) -> None:
    defect = tomllib.loads(path.read_text(encoding="utf-8"))
    file = folder / defect["file"]
    sound = file.read_text(encoding="utf-8")
    assert sound.count(defect["find"]) == 1
    file.write_text(sound.replace(defect["find"], defect["replace"]), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_all(folder)
    fault = defect["fault"]
    assert (caught.value.file, caught.value.entry, caught.value.member) == (
        defect["file"],
        fault["entry"],
        fault["member"],
    )
    assert fault["reason"] in caught.value.reason
    named = [part for part in (defect["file"], fault["entry"], fault["member"]) if part]
    assert str(caught.value).startswith(": ".join(named))


@pytest.mark.parametrize("file", ["organisations.toml", "sources.toml", "reasons.toml"])
def test_missing_file_stops_the_start(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(CatalogueError, match=f"{file}: is not there"):
        load_all(folder)


@pytest.mark.parametrize("name", ["datasets", "purposes"])
def test_missing_folder_stops_the_start(folder: Path, name: str) -> None:
    shutil.rmtree(folder / name)
    with pytest.raises(CatalogueError, match=f"{name}: is not there"):
        load_all(folder)


def test_file_that_is_not_toml_stops_the_start_with_its_line(folder: Path) -> None:
    (folder / "sources.toml").write_text("[register\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"sources\.toml: is not TOML: .*line 1"):
        load_all(folder)


def test_file_in_another_encoding_stops_the_start(folder: Path) -> None:
    (folder / "organisations.toml").write_bytes("# Å".encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"organisations\.toml: is not TOML"):
        load_all(folder)


def test_key_that_stands_twice_stops_the_start(folder: Path) -> None:
    path = folder / "datasets" / "pay.toml"
    path.write_text('id = "pay"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"datasets/pay\.toml: is not TOML"):
        load_all(folder)


def test_surplus_file_stops_the_start_since_it_would_be_left_out_unnoticed(folder: Path) -> None:
    (folder / "purposes" / "other.tmol").write_text("", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"purposes/other\.tmol: is not a \.toml file"):
        load_all(folder)

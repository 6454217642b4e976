"""The rules of the house that no linter knows: lengths, floors, and what must not be committed."""

import ast
import re
import subprocess
from pathlib import Path
from statistics import median
from sysconfig import get_path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("audit", "connectors", "consent", "policies", "service", "vault")
TEXT = {".css", ".html", ".j2", ".json", ".md", ".po", ".py", ".sh", ".toml", ".txt", ".xml"}
LONGEST_FILE = 400
MEDIAN_FILE = 120
LONGEST_FUNCTION = 40
LONG_FUNCTION = 25
FEW = 0.03
"""Share of the functions that may be long."""


class Function(NamedTuple):
    """Where a function stands and how long it is, without its docstring."""

    place: str
    lines: int


def _committed() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def _modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _functions(path: Path) -> list[Function]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            first = node.body[0].lineno if ast.get_docstring(node) is None else _after(node)
            found.append(
                Function(
                    f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                    node.end_lineno - first + 1,
                )
            )
    return found


def _after(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return node.body[1].lineno if len(node.body) > 1 else node.body[0].lineno


def test_no_file_needs_four_hundred_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _modules()}
    too_long = {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > LONGEST_FILE}
    assert not too_long
    assert median(n for path, n in lengths.items() if path.name != "__init__.py") <= MEDIAN_FILE


def test_functions_are_short_and_few_are_not() -> None:
    functions = [f for path in _modules() if "versions" not in path.parts for f in _functions(path)]
    assert [f for f in functions if f.lines > LONGEST_FUNCTION] == []
    long_ones = [f for f in functions if f.lines > LONG_FUNCTION]
    assert len(long_ones) <= FEW * len(functions), long_ones


def test_every_module_says_what_it_is() -> None:
    silent = [p for p in _modules() if ast.get_docstring(ast.parse(p.read_text())) is None]
    assert silent == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_init_file_of_a_room_holds_one_sentence_and_nothing_else(room: str) -> None:
    body = ast.parse((ROOT / room / "__init__.py").read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_the_floors_hold() -> None:
    # As a process of its own: it sets the logging of its process anew, and all others fall silent.
    command = [str(Path(get_path("scripts")) / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_name_without_a_meaning() -> None:
    meaningless = {"utils.py", "util.py", "helpers.py", "manager.py", "base.py", "common.py"}
    assert [path for path in _modules() if path.name in meaningless] == []


def test_nothing_committed_tells_of_one_machine() -> None:
    machine = re.compile(r"(?<![\w.~])/(?:home|root|work|Users|farm)/")
    telling = [
        str(path.relative_to(ROOT))
        for path in _committed()
        if path.suffix in TEXT and machine.search(path.read_text(errors="replace"))
    ]
    assert telling == []


def test_the_lock_file_names_only_the_public_index() -> None:
    lock = (ROOT / "uv.lock").read_text()
    hosts = set(re.findall(r"https?://([^/\"]+)", lock))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}

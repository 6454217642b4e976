"""The whole test line: the rules of the house, the types, the tests, the coverage of each room.

Prints one line per step. A step that fails prints what it found, and the exit code is 1. The
steps after it still run, so that one look shows everything. With arguments, which go to pytest,
the tests they choose are run once and their coverage is not measured.

The rooms that carry the promises are covered by their own tests. Those of the way in run without
the measuring, which would cost them half their time again.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(get_path("scripts"))
COVERED = ("audit", "consent", "policies", "vault")
"""Rooms in which every branch is tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended."""

    name: str
    passed: bool
    seconds: float
    output: str


def run(*command: str) -> Outcome:
    """Run a tool of this environment in the project's folder and keep what it says."""
    started = time.monotonic()
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return Outcome(
        name=" ".join(command),
        passed=done.returncode == 0,
        seconds=time.monotonic() - started,
        output=done.stdout + done.stderr,
    )


def report(outcome: Outcome) -> bool:
    """Say in one line how the step ended, and on failure what it found."""
    word = "ok" if outcome.passed else "FAILED"
    print(f"{outcome.name} … {word} ({outcome.seconds:.1f} s)", flush=True)
    if not outcome.passed:
        print(outcome.output, flush=True)
    return outcome.passed


def static_checks() -> list[bool]:
    """Everything that reads the code without running it, side by side."""
    commands = [
        ("ruff", "check", "--quiet"),
        ("ruff", "format", "--check", "--quiet"),
        ("lint-imports", "--no-logo"),
        ("deptry", "."),
        ("mypy", "--no-error-summary"),
    ]
    with ThreadPoolExecutor() as pool:
        return [report(outcome) for outcome in pool.map(lambda c: run(*c), commands)]


def tests(*arguments: str) -> bool:
    """Tests on two workers; their output goes straight to the terminal."""
    command = [str(BIN / "pytest"), "--no-header", "-n", "2", "--dist", "worksteal", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def all_tests() -> list[bool]:
    """Those of the covered rooms with their coverage, then all others."""
    own = [f"tests/{room}" for room in COVERED]
    passed = tests("--cov", "--cov-report=", *own)
    others = tests(*(f"--ignore={folder}" for folder in own))
    return [passed, others, *(coverage() if passed else [])]


def coverage() -> list[bool]:
    """Every branch of the rooms that carry the promises."""
    outcomes = [
        run("coverage", "report", f"--include={room}/*", "--fail-under=100") for room in COVERED
    ]
    return [outcome.passed or report(outcome) for outcome in outcomes]


def main(arguments: list[str]) -> int:
    checked = static_checks()
    passed = [tests(*arguments)] if arguments else all_tests()
    return 0 if all(checked + passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

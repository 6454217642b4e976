"""Do the tests of the promises notice when they are broken? Mutates modules and runs their tests.

`uv run python tools/mutation.py` changes one thing at a time in the modules that the promises of
log and vault hang on, runs the tests named for each, and prints every change that no test noticed
with the score of each module. It ends with 1 where a score is below 95 %. Arguments name modules;
`--jobs N` runs N mutants beside each other. A whole run takes half an hour on two cores, so it is
no part of the test line.

A mutant is never written to a file: each one is a fork of this process, in which the changed
module is imported in place of the real one. Docstrings and the words of errors stay as they are.
A mutant whose tests run many times as long as they should counts as noticed, and is printed: so
would a test that hangs. Tests run on SQLite, but for those that only PostgreSQL can answer.
"""

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.util
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
SCORE_WANTED = 0.95
HANGS_AFTER = 8.0
"""Times as long as the tests take without any mutant, on a machine that others use too."""
_IN_TURN = "vault/test_in_turn.py"
"""Tests of locks that only PostgreSQL has; one server is started for all of them."""
_KEPT = "not postgresql or in_turn"

_BUNDLES = ("audit/test_verify_entries.py", "audit/test_verify_trust.py", "audit/test_verify.py")
TESTS = {
    "audit.merkle": ("audit/test_second_verifier.py", "audit/test_merkle.py"),
    "audit.checkpoint": ("audit/test_checkpoint.py",),
    "audit.verify": (*_BUNDLES, "audit/test_verification.py", "audit/test_shards.py"),
    "audit.verify_entries": (*_BUNDLES, "audit/test_verification.py"),
    "audit.verify_event": (*_BUNDLES, "audit/test_event_proof.py"),
    "audit.verify_times": ("audit/test_verify_times.py", "audit/test_verify_timestamps.py"),
    "audit.verify_together": ("audit/test_verify_together.py", "audit/test_verification.py"),
    "audit.verify_checkpoint": ("audit/test_trust.py", "audit/test_published.py", *_BUNDLES),
    "audit.trust": ("audit/test_trust.py",),
    "audit.published": ("audit/test_published.py",),
    "audit.event_proof": ("audit/test_event_proof.py",),
    "vault.envelope": ("vault/test_envelope.py",),
    "vault.key_ring": ("vault/test_key_ring.py", _IN_TURN),
    "vault.rewrapping": ("vault/test_key_ring.py",),
    "vault.resealing": ("vault/test_resealing.py", _IN_TURN),
}
"""The modules, and the tests that must notice; a file that is not there is left out."""

PRELOADED = (
    "cryptography.hazmat.primitives.asymmetric.mldsa",
    "hypothesis.stateful",
    "playwright.sync_api",
    "psycopg",
    "pytest",
    "sqlalchemy",
)
"""What the tests load and no mutant changes: loaded once, before the forks."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module."""

    module: str
    line: int
    before: str
    after: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.before}  ->  {self.after}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every change of this module, in the order of its lines."""
    tree = ast.parse(_path(module).read_text("utf-8"))
    for place, node in enumerate(ast.walk(tree)):
        for which, _ in enumerate(_changes(node, tree)):
            changed = copy.deepcopy(tree)
            twin = next(each for i, each in enumerate(ast.walk(changed)) if i == place)
            new = list(_changes(twin, changed))[which]
            line, before = getattr(node, "lineno", 0), ast.unparse(node)
            _Replacement(twin, new).visit(changed)
            yield Mutant(module, line, _short(before), _short(ast.unparse(new)), changed)


def _changes(node: ast.AST, tree: ast.Module) -> Iterator[ast.AST]:  # noqa: C901  # a table
    """What this node can be turned into."""
    match node:
        case ast.Compare(ops=[operator]):
            yield _with(node, ops=[_COMPARISONS[type(operator)]()])
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS and not _is_type(node):
            yield _with(node, op=_OPERATORS[type(operator)]())
        case ast.BoolOp(op=operator):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=value) if not _is_for_people(node, tree):
            yield from _constants(value)
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield ast.Return(ast.Constant(None))
        case ast.Break() | ast.Continue():
            yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


def _constants(value: object) -> Iterator[ast.AST]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():
            yield ast.Constant(value + 1)
        case str():
            yield ast.Constant(value + "X")
        case bytes():
            yield ast.Constant(value + b"X")


def _with(node: ast.AST, **members: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in members.items():
        setattr(changed, name, value)
    return changed


def _is_type(node: ast.BinOp) -> bool:
    """`X | None` in a type."""
    sides = (node.left, node.right)
    return isinstance(node.op, ast.BitOr) and any(
        isinstance(side, ast.Constant) and side.value is None for side in sides
    )


def _is_for_people(node: ast.Constant, tree: ast.Module) -> bool:
    """A docstring, the words of an error, or a name in a type: nothing that the program does."""
    for outer in ast.walk(tree):
        match outer:
            case ast.Expr(value=inner) if inner is node:
                return True
            case ast.Raise(exc=ast.expr() as error) if any(n is node for n in ast.walk(error)):
                return isinstance(node.value, str)
            case ast.FunctionDef(returns=ast.expr() as hint) if _holds(hint, node):
                return True
            case ast.ClassDef(decorator_list=told) if any(_holds(each, node) for each in told):
                return True  # how a dataclass is made: a frozen one that is not behaves the same
            case ast.AnnAssign(annotation=hint) | ast.arg(annotation=ast.expr() as hint) if _holds(
                hint, node
            ):
                return True
    return False


def _holds(outer: ast.AST, node: ast.AST) -> bool:
    return any(inner is node for inner in ast.walk(outer))


class _Replacement(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return ast.copy_location(self._new, node)
        return super().generic_visit(node)


class _InPlaceOf(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(_path(fullname)))

    def exec_module(self, module: ModuleType) -> None:
        tree = ast.fix_missing_locations(self._mutant.tree)
        exec(compile(tree, str(_path(self._mutant.module)), "exec"), module.__dict__)  # noqa: S102


def run(mutant: Mutant | None, tests: Sequence[str]) -> int:
    """Fork, and run the tests there; gives the process."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    os.setsid()  # so that what a test starts ends with it
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if mutant is not None:
        sys.meta_path.insert(0, _InPlaceOf(mutant))
    import pytest

    plain = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist"]
    seed = ["--hypothesis-seed=1", "-k", _KEPT]
    # Plugins are loaded here before pytest could rewrite them, which is none of its business.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*plain, *seed, *quiet, *tests])
    os._exit(0 if code == pytest.ExitCode.OK else 1)


@dataclass(slots=True)
class _Running:
    mutant: Mutant
    since: float


def survivors(
    found: Sequence[Mutant], tests: Sequence[str], jobs: int, patience: float
) -> list[Mutant]:
    """The mutants that no test noticed within so many seconds."""
    waiting, running, alive = list(reversed(found)), dict[int, _Running](), list[Mutant]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running[run(mutant, tests)] = _Running(mutant, time.monotonic())
        process, status = os.waitpid(-1, os.WNOHANG)
        if process:
            ended = running.pop(process)
            if status == 0:
                print(f"  not noticed: {ended.mutant}", flush=True)
                alive.append(ended.mutant)
            continue
        for hanging, entry in running.items():
            if time.monotonic() - entry.since > patience:
                print(f"  hangs: {entry.mutant}", flush=True)
                os.killpg(hanging, signal.SIGKILL)
                entry.since = math.inf
        time.sleep(0.02)
    return alive


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 90 else line[:87] + "…"


def score(module: str, jobs: int) -> float:
    """Mutate one module; the part of its mutants that a test noticed."""
    named = [ROOT / "tests" / name for name in TESTS[module]]
    tests = [str(path) for path in named if path.exists()]
    began = time.monotonic()
    _, status = os.waitpid(run(None, tests), 0)
    if status:
        raise SystemExit(f"{module}: its tests fail without any mutant")
    patience = HANGS_AFTER * (time.monotonic() - began)
    found = list(mutants(module))
    alive = survivors(found, tests, jobs, patience)
    noticed = 1 - len(alive) / len(found)
    print(f"{module}: {len(found) - len(alive)} of {len(found)} noticed, {noticed:.1%}", flush=True)
    return noticed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="MODULE")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in PRELOADED:
        importlib.import_module(name)
    with ExitStack() as stack:
        if any(_IN_TURN in TESTS[module] for module in arguments.modules):
            from tests.postgres import GIVEN_SERVER, postgresql_server

            os.environ[GIVEN_SERVER] = stack.enter_context(postgresql_server())
        scores = [score(module, arguments.jobs) for module in arguments.modules]
    return 0 if min(scores) >= SCORE_WANTED else 1


if __name__ == "__main__":
    sys.exit(main())

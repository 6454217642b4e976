"""The problem table: every domain error stands in it, and no text of an error gets out."""

import inspect
import pkgutil
from importlib import import_module

import pytest

from policies.vocabulary import Language
from service import problems
from service.i18n import texts
from service.problem import Problem
from service.problems import INTERNAL, NEVER_REACH_A_CALLER, PROBLEMS, problem_of

ROOMS = ("audit", "connectors", "consent", "policies", "vault", "service")
OF_TOOLS = ("service.cli", "service.demo", "service.migrations", "connectors.demo_idp")
"""Programs of their own, which answer for their own errors."""


def _errors() -> list[type[Exception]]:
    found = set()
    for room in ROOMS:
        package = import_module(room)
        for info in pkgutil.walk_packages(package.__path__, f"{room}."):
            if info.name.startswith(OF_TOOLS):
                continue
            for _, made in inspect.getmembers(import_module(info.name), inspect.isclass):
                if issubclass(made, Exception) and made.__module__ == info.name:
                    found.add(made)
    return sorted(found, key=_name)


def _name(error: type[Exception]) -> str:
    return f"{error.__module__}.{error.__qualname__}"


def _is_known(error: type[Exception]) -> bool:
    if any(parent in PROBLEMS for parent in error.__mro__):
        return True
    if any(_name(parent) in NEVER_REACH_A_CALLER for parent in error.__mro__):
        return True
    # A RuntimeError says that we called something in the wrong order: always our own fault.
    return issubclass(error, RuntimeError)


@pytest.mark.parametrize("error", _errors(), ids=_name)
def test_every_domain_error_has_a_problem_or_never_reaches_a_caller(
    error: type[Exception],
) -> None:
    assert error.__name__.endswith("Error")
    assert _is_known(error)


def test_the_other_lists_name_only_errors_that_exist() -> None:
    assert {_name(error) for error in _errors()} >= NEVER_REACH_A_CALLER


def test_an_unexpected_error_is_ours() -> None:
    assert problem_of(ValueError("CANARY")) is INTERNAL


def test_every_title_is_there_in_every_language() -> None:
    titles = {problem.title for problem in PROBLEMS.values()}
    titles |= {each.title for each in vars(problems).values() if isinstance(each, Problem)}
    for language in Language:
        for title in titles:
            assert texts(language).gettext(title)

"""Errors as the outside sees them: one table from error class to problem type and status.

Domain errors know nothing of HTTP; this table does. What a caller reads comes from here and never
from `str(error)`. A test finds the domain errors that are missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from service.sessions import SignInRequiredError


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem type (RFC 9457): the last segment of its URI, its status and its title.

    The English title is the key of the message catalogue.
    """

    type: str
    status: int
    title: str


class RoleRequiredError(Exception):
    """The page is for people with a role that this person does not have."""


class StepUpRequiredError(Exception):
    """The page needs a stronger sign-in than this session's."""


INTERNAL = Problem("internal-error", 500, "Something went wrong at our end")
NOT_FOUND = Problem("not-found", 404, "There is nothing at this address")

PROBLEMS: Mapping[type[Exception], Problem] = {
    SignInRequiredError: Problem("sign-in-required", 401, "Please sign in first"),
    RoleRequiredError: Problem("role-required", 403, "This page is for somebody else"),
    StepUpRequiredError: Problem("step-up-required", 403, "Please sign in with a stronger method"),
}


def problem_of(error: Exception) -> Problem:
    """The problem of an error, by its class or the nearest of its parents."""
    return next((PROBLEMS[c] for c in type(error).__mro__ if c in PROBLEMS), INTERNAL)

"""What the `type` of a problem leads to: a page that explains it (RFC 9457 section 3.1.1)."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from policies.vocabulary import Language
from service import problems
from service.api import refusals
from service.i18n import N_
from service.pages import language_of, render, see_other
from service.problem import Problem

router = APIRouter(include_in_schema=False)

TYPES: Mapping[str, Problem] = {
    each.type: each
    for each in (
        *problems.PROBLEMS.values(),
        *vars(problems).values(),
        *vars(refusals).values(),
    )
    if isinstance(each, Problem)
}
"""Every problem that the service answers with, by its type."""

TO_PROGRAMS: Mapping[str, str] = {
    "token-not-valid": N_(
        "The access token is unknown, has ended, or came without its key. "
        "Get a new one, or ask the person again."
    ),
    "client-not-authenticated": N_(
        "The header Client-Assertion must hold one fresh JWT that is signed with a registered key. "
        "Nothing was told."
    ),
    "not-permitted": N_(
        "This data may not be given to you now. "
        "The reason is the person's own matter and stands in the person's log."
    ),
    "no-such-dataset": N_("This service knows no data set of that name. Nothing was given."),
    "not-in-log": N_(
        "There is no such event, it is not yours to see, or it waits for its place in the log. "
        "Try again in a second."
    ),
    "audit-question-not-valid": N_(
        "The member faults of the answer names what was wrong. Nothing was looked up."
    ),
    "nothing-signed": N_("Name a size that the log has signed, or wait until it signs."),
    "too-large": N_("The service takes nothing larger than 64 kB. Nothing was done."),
    "deposit-not-valid": N_(
        "The member errors of the answer says where and why. Nothing of the document was kept."
    ),
    "media-type-not-supported": N_(
        "Send the document as application/json, as its JSON Schema describes it."
    ),
    "idempotency-key-missing": N_(
        "Send one key for each document, as a text in quotation marks. "
        "Nothing was kept. Send the document again with a key."
    ),
    "idempotency-key-in-use": N_(
        "A request with this key has not been answered yet. Send it again in a second."
    ),
    "idempotency-key-reused": N_(
        "Under this key another document was taken. Send this one under a key of its own."
    ),
    "method-not-allowed": N_("The header Allow of the answer names what this address takes."),
}
"""Explanations of what mostly programs meet; the others are explained as on their own page."""


@router.get("/problems/{problem_type}")
def found_by_type(request: Request, problem_type: str) -> Response:
    """The explanation in the reader's language. Raises HTTPException."""
    return see_other(f"/{language_of(request)}/problems/{_known(problem_type).type}")


@router.get("/{language:lang}/problems/{problem_type}")
def explained(request: Request, language: Language, problem_type: str) -> Response:
    """What has happened when this problem is the answer. Raises HTTPException."""
    del language  # stands in the path, where `render` finds it
    problem = _known(problem_type)
    return render(
        request,
        "problem_type.html",
        problem=problem,
        explanation=TO_PROGRAMS.get(problem.type),
    )


def _known(problem_type: str) -> Problem:
    if problem_type not in TYPES:
        raise HTTPException(404)
    return TYPES[problem_type]

"""How an error is answered: OAuth JSON to clients, problem+json to programs, a page to people."""

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.pages import problem_page
from service.problem import Problem
from service.problems import problem_of

MACHINE_PATHS = ("/api/", "/audit/", "/.well-known/", "/healthz", "/readyz", "/metrics")
OAUTH_PAGES = ("/oauth/authorize", "/oauth/return/")
"""Of the OAuth endpoints, those that people come to with a browser."""


def answer_error(request: Request, error: Exception) -> Response:
    """The answer to an error that a handler, the gate or the router raised."""
    answer = answer_problem(request, problem_of(error))
    if isinstance(error, HTTPException) and error.headers:
        # With a 405 goes what the address does take (RFC 9110 section 15.5.6).
        answer.headers.update(error.headers)
    return answer


def answer_problem(request: Request, problem: Problem) -> Response:
    """A problem in the form that the caller of this path understands."""
    path = request.url.path
    if path.startswith("/oauth/") and not path.startswith(OAUTH_PAGES):
        return oauth_problem(problem)
    if path.startswith(MACHINE_PATHS):
        return problem_json(problem)
    return problem_page(request, problem)


def problem_json(problem: Problem, **members: object) -> Response:
    """RFC 9457 section 3."""
    content = {
        "type": f"/problems/{problem.type}",
        "title": problem.title,
        "status": problem.status,
        **members,
    }
    return Response(
        orjson.dumps(content),
        problem.status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


def oauth_problem(problem: Problem) -> Response:
    """RFC 6749 section 5.2, for what goes wrong before an endpoint has looked at the request."""
    error = "server_error" if problem.status >= 500 else "invalid_request"
    content = {"error": error, "error_description": problem.title}
    return Response(
        orjson.dumps(content),
        problem.status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )

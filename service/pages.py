"""Pages: Jinja templates with the texts and forms of one language. No script, nothing from outside.

Each language has an environment of its own, so that no page can mix two. What a page shows of a
request is its path, never anything personal; titles name the page only.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from starlette.responses import HTMLResponse, RedirectResponse, Response

from audit.scope import Scope
from audit.unit_of_work import UnitOfWork
from policies.supervision import complaint_authority
from policies.vocabulary import Language, Role
from service.formats import Formats
from service.forms import form_id, once, open_form
from service.i18n import texts
from service.paths import in_language, is_own
from service.problem import Problem
from service.runtime import Runtime
from service.sessions import Session, current_session, require_session
from service.static_files import address
from service.words import BASES

SERVER_FAULT = 500
LANGUAGE_NAMES = {
    Language.FI: "Suomeksi",
    Language.SV: "På svenska",
    Language.EN: "In English",
}


class _Compiled(BytecodeCache):
    """Templates compiled once for all languages: texts and forms are looked up in each page."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@cache
def environment(language: Language) -> Environment:
    """The templates in one language. Raises IncompleteTextsError when a text is missing."""
    made = Environment(
        loader=PackageLoader("service"),
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    words = texts(language)
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the extension
        words.gettext, words.ngettext, newstyle=True
    )
    made.filters["t"] = lambda text: text.in_language(language) if text else ""
    made.globals.update(
        language=language,
        forms=Formats(language),
        static=address,
        Role=Role,
        language_names=LANGUAGE_NAMES,
        bases=BASES,
        complaint_authority=complaint_authority(),
    )
    return made


def load_pages() -> None:
    """Read texts and templates of every language, so that a fault stops the start."""
    for language in Language:
        loaded = environment(language)
        for name in loaded.list_templates(extensions=["html"]):
            loaded.get_template(name)


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def language_of(request: Request) -> Language:
    """The language of the path; where it has none, the one in which the person signed in.

    For others it is the first of ours that the browser wants, else Finnish.
    """
    in_path = request.url.path.removeprefix("/").partition("/")[0]
    if in_path in set(Language):
        return Language(in_path)
    session = current_session(request)
    if session is not None:
        return session.language
    wanted = request.headers.get("accept-language", "").lower().split(",")
    for each in wanted:
        word = each.split(";")[0].strip()[:2]
        if word in set(Language):
            return Language(word)
    return Language.FI


def render(
    request: Request,
    template: str,
    *,
    status_code: int = 200,
    language: Language | None = None,
    **context: Any,
) -> HTMLResponse:
    """A page in the language of the request, unless the caller knows better."""
    language = language or language_of(request)
    runtime = runtime_of(request)
    session = current_session(request)
    content = (
        environment(language)
        .get_template(template)
        .render(
            session=session,
            path=request.url.path,
            languages=[(each, other_language(request, each)) for each in Language],
            demo=runtime.settings.demo,
            now=runtime.now(),
            sign_in_address=sign_in_address(request, language),
            step_up_address=sign_in_address(request, language, stronger=True),
            **context,
        )
    )
    return HTMLResponse(content, status_code, headers={"Content-Language": language})


def other_language(request: Request, language: Language) -> str:
    """The address of this page in a language, its query kept."""
    path = in_language(request.url.path, language)
    return f"{path}?{request.url.query}" if request.url.query else path


def see_other(path: str) -> RedirectResponse:
    """After a form: go and look there (RFC 9110 section 15.4.4)."""
    return RedirectResponse(path, 303)


def sign_in_address(request: Request, language: Language, *, stronger: bool = False) -> str:
    """Where to sign in and come back to this page, or to the one whose form was sent."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    page = here if request.method == "GET" else page_before(request)
    front = page.partition("?")[0] == f"/{language}/"
    return sign_in_path(
        language, return_to=page if is_own(page) and not front else "", stronger=stronger
    )


def sign_in_path(language: Language, *, return_to: str, stronger: bool) -> str:
    """Where to sign in, how strongly, and where to come back to."""
    query = {"loa": "high"} if stronger else {}
    if return_to:
        query["return_to"] = return_to
    return f"/{language}/sign-in" + (f"?{urlencode(query)}" if query else "")


def page_before(request: Request) -> str:
    """The page of ours on which this form was sent, empty when none is named.

    By `Referer`, which our own policy lets browsers send within the origin only.
    """
    named = request.headers.get("referer", "")
    origin = runtime_of(request).settings.base_url
    path = named.removeprefix(origin) if named.startswith(f"{origin}/") else ""
    return path if is_own(path) else ""


def problem_page(request: Request, problem: Problem) -> Response:
    """The page of a problem: what happened and what to do, in the person's language."""
    if problem.type == "sign-in-required" and request.method == "GET":
        return see_other(sign_in_address(request, language_of(request)))
    if problem.status >= SERVER_FAULT and not hasattr(request.state, "session"):
        # The fault may be the database: looking for the session would fail once more.
        request.state.session = None
    before = page_before(request) if request.method == "POST" else ""
    return render(
        request, "problem.html", status_code=problem.status, problem=problem, before=before
    )


def use_form(request: Request, session: Session, use: str, shown: str = "") -> str:
    """A one-time form id for a page."""
    return form_id(session, use=use, now=runtime_of(request).now(), shown=shown)


def act_once(
    request: Request,
    form: str,
    use: str,
    act: Callable[[UnitOfWork], str],
    *,
    about: Scope | None = None,
) -> str:
    """Do what a one-time form asks, once, and give the address of the page that shows it.

    Raises FormError when it is not a form of this session for this use.
    """
    runtime = runtime_of(request)
    opened = open_form(require_session(request), form, use=use, now=runtime.now())
    return once(runtime.ledger, opened, runtime.now(), act, about=about)

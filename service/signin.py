"""Signing in by OpenID Connect, and out.

Each sign-in has a row of its own, found by the hash of its `state`, so that several tabs do not
collide. It is bound to the browser by the cookie the browser had when it began: an answer that
somebody else obtained cannot be planted here (login CSRF, RFC 6749 section 10.12). When another
tab has signed in meanwhile the cookie is a new one; the session remembers the one before it.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import UnitOfWork, begin
from connectors.ports import IDENTITY_CODE_SCHEME, IdentityAssertion, IdentityProvider, LoginStart
from connectors.sign_in_errors import SignInError
from policies.ids import PersonId
from policies.vocabulary import Language, LevelOfAssurance, Role
from service.model import Limits, Session, SignInFlow
from service.pages import language_of, render, runtime_of, see_other, sign_in_path
from service.paths import is_own
from service.runtime import Runtime
from service.sessions import Cookie, SignedIn, current_session, end, hash_token, new_token, start
from service.sign_in_limit import admit
from service.store import sign_ins as store
from vault.people import enrol

LIFETIME = timedelta(minutes=15)
"""How long a person may take at the identity provider."""

router = APIRouter(include_in_schema=False)


class NoIdentityProviderError(Exception):
    """No identity provider is set, so nobody can sign in."""


class SignInFlowError(SignInError):
    """The answer belongs to no sign-in of this browser."""

    code = "sign-in-unknown"


@router.get("/")
def front(request: Request) -> Response:
    """The front page in the browser's language."""
    return see_other(f"/{language_of(request)}/")


@router.get("/{language:lang}")
def front_in(language: Language) -> Response:
    """The front page in the language that somebody typed without the last slash."""
    return see_other(f"/{language}/")


@router.get("/{language:lang}/sign-in")
def sign_in(
    request: Request,
    language: Language,
    return_to: Annotated[str, Query(max_length=2048)] = "",
    ticket: Annotated[str | None, Query(max_length=512)] = None,
    loa: Annotated[str, Query(pattern="^(substantial|high)$")] = "substantial",
) -> Response:
    """Send the browser to the identity provider."""
    admit(request)
    runtime = runtime_of(request)
    level = LevelOfAssurance[loa.upper()]
    try:
        # A real provider is told nothing that somebody else wrote into a link.
        hint = ticket if runtime.settings.demo else None
        begun = provider_of(runtime).begin(
            language=language, loa=level, now=runtime.now(), login_hint=hint
        )
    except SignInError as error:
        return _refused(request, runtime, "", error)
    cookie = Cookie.for_base_url(runtime.settings.base_url)
    browser = cookie.read(request) or new_token()
    flow = SignInFlow(
        browser_hash=hash_token(browser),
        nonce=begun.nonce,
        verifier=begun.verifier,
        loa=level,
        language=language,
        return_to=return_to if is_own(return_to) else "",
        ends_at=runtime.now() + LIFETIME,
    )
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        event_id = uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
        store.add(uow.connection, hash_token(begun.state), flow, event_id)
    response = see_other(begun.url)
    if cookie.read(request) is None:
        cookie.write(response, browser)
    return response


@router.get("/sign-in/callback")
def callback(request: Request) -> Response:
    """The identity provider's answer: a session, or a page that says why not."""
    runtime = runtime_of(request)
    state = request.query_params.get("state", "")
    flow = _flow(request, runtime, state)
    if flow is None:
        admit(request)
        return _refused(request, runtime, state, SignInFlowError())
    begun = LoginStart(url="", state=state, nonce=flow.nonce, verifier=flow.verifier)
    try:
        assertion = provider_of(runtime).finish(
            dict(request.query_params), begun, loa=flow.loa, now=runtime.now()
        )
    except SignInError as error:
        return _refused(request, runtime, state, error, flow)
    return _signed_in(request, runtime, state, flow, assertion)


@router.post("/{language:lang}/sign-out")
def sign_out(request: Request, language: Language) -> Response:
    """End this session.

    Without a one-time form: ending twice is ending once, the check of the origin has seen that
    our own page asked, and a page of an earlier sign-in must let a person out as well.
    """
    runtime, session = runtime_of(request), current_session(request)
    if session is not None:
        with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
            end(uow, session.id, person=session.person, reason="signed-out")
    return signed_out(runtime, language)


def signed_out(runtime: Runtime, language: Language) -> Response:
    """To the front page, which says so; the cookie goes."""
    response = see_other(f"/{language}/?signed-out=1")
    Cookie.for_base_url(runtime.settings.base_url).clear(response)
    return response


def provider_of(runtime: Runtime) -> IdentityProvider:
    if runtime.identity_provider is None:
        raise NoIdentityProviderError
    return runtime.identity_provider


def _flow(request: Request, runtime: Runtime, state: str) -> SignInFlow | None:
    """The flow of this state, if it was begun in this browser."""
    with runtime.ledger.read() as connection:
        flow = store.find(connection, hash_token(state), runtime.now())
    token = Cookie.for_base_url(runtime.settings.base_url).read(request)
    if flow is None or token is None:
        return None
    session = current_session(request)
    bound = {hash_token(token)} | ({session.browser_hash} if session else set())
    return flow if flow.browser_hash in bound else None


def _signed_in(
    request: Request,
    runtime: Runtime,
    state: str,
    flow: SignInFlow,
    assertion: IdentityAssertion,
) -> Response:
    before = current_session(request)
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        used = store.use(uow.connection, hash_token(state), uow.now)
        started = _start(uow, runtime, flow, assertion) if used else None
        if started and before:
            end(uow, before.id, person=before.person, reason="signed-in-again")
    if started is None:
        return _refused(request, runtime, state, SignInFlowError())
    session, token = started
    response = see_other(flow.return_to or home_of(session))
    Cookie.for_base_url(runtime.settings.base_url).write(response, token)
    return response


def _start(
    uow: UnitOfWork, runtime: Runtime, flow: SignInFlow, assertion: IdentityAssertion
) -> tuple[Session, str]:
    signed_in = SignedIn(
        person=_person(uow, runtime, assertion),
        loa=assertion.loa,
        auth_time=assertion.auth_time,
        language=flow.language,
        browser_hash=flow.browser_hash,
    )
    return start(uow, signed_in, Limits.from_settings(runtime.settings))


def _person(uow: UnitOfWork, runtime: Runtime, assertion: IdentityAssertion) -> PersonId:
    """The person of the assertion: by the identity code where there is one."""
    ids = dict(assertion.subject_ids)
    scheme = IDENTITY_CODE_SCHEME if IDENTITY_CODE_SCHEME in ids else next(iter(ids))
    return enrol(uow, runtime.vault, scheme=scheme, identifier=ids[scheme])


def home_of(session: Session) -> str:
    """Where a person lands who came for no page in particular."""
    for role, page in ((Role.AUDITOR, "audit"), (Role.OPERATOR, "operator")):
        if role in session.roles:
            return f"/{session.language}/{page}"
    return f"/{session.language}/"


def _refused(
    request: Request,
    runtime: Runtime,
    state: str,
    error: SignInError,
    flow: SignInFlow | None = None,
) -> Response:
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        if flow is not None:
            store.use(uow.connection, hash_token(state), uow.now)
        uow.record(Event(kind=Kind.SIGN_IN_REFUSED, reason=error.code))
    language = flow.language if flow else language_of(request)
    again = sign_in_path(
        language,
        return_to=flow.return_to if flow else "",
        stronger=flow is not None and flow.loa is LevelOfAssurance.HIGH,
    )
    return render(
        request,
        "sign_in_refused.html",
        status_code=400,
        language=language,
        code=error.code,
        again=again,
    )

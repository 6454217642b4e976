"""One-time forms: sent twice, a form has its effect once, and the second time shows the first.

A form carries an id that only its own session can have got and only for this one use: a random
number with a MAC under the session's key. Giving one writes nothing. Using it writes a row in
the transaction of the effect, so effect and mark stand or fall together.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from audit.scope import Scope
from audit.unit_of_work import Ledger, UnitOfWork, begin
from service.model import Session
from service.store import forms as store

LIFETIME = timedelta(hours=8)
"""Not longer than the session whose key it needs."""


class FormError(ValueError):
    """The form is not one that this session was given for this use; `reason` says what is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _NothingHappenedError(Exception):
    """What was asked for was so already: there is no effect that could happen twice."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Form:
    """A form that came back, checked. `shown` is what the page put into it."""

    hash: bytes
    session: Session
    shown: str = field(repr=False)
    given_at: datetime


def form_id(session: Session, *, use: str, now: datetime, shown: str = "") -> str:
    """A fresh id for one form of this session; `use` names the form and what it is about."""
    parts = [secrets.token_urlsafe(16), int(now.timestamp()), shown]
    body = json.dumps(parts, separators=(",", ":")).encode()
    return f"{_b64(body)}.{_b64(_mac(session, use, body))}"


def open_form(session: Session, text: str, *, use: str, now: datetime) -> Form:
    """The form of an id that came back. Raises FormError."""
    try:
        body_text, mac_text = text.split(".")
        body, mac = _bytes(body_text), _bytes(mac_text)
    except (ValueError, binascii.Error) as error:
        raise FormError("malformed") from error
    if not hmac.compare_digest(mac, _mac(session, use, body)):
        raise FormError("not-of-this-session")
    _, given, shown = json.loads(body)
    given_at = datetime.fromtimestamp(given, UTC)
    if now >= given_at + LIFETIME:
        raise FormError("too-old")
    return Form(hashlib.sha256(body).digest(), session, shown, given_at)


def outcome_of(connection: Connection, text: str) -> str | None:
    """The page that shows what a form did, for whoever still has the form when its session is gone;
    None when it did nothing. Its random id is known to nobody else."""
    try:
        body = _bytes(text.partition(".")[0])
    except (ValueError, binascii.Error):
        return None
    return store.outcome(connection, hashlib.sha256(body).digest())


def once(
    ledger: Ledger,
    form: Form,
    now: datetime,
    act: Callable[[UnitOfWork], str],
    *,
    about: Scope | None = None,
) -> str:
    """Do what the form asks and give the page that shows it; done before, give that page.

    It is about the person herself, unless it says otherwise (audit.scope).
    """
    try:
        with begin(ledger, actor=form.session.actor, now=now, about=about) as uow:
            if store.claim(uow.connection, form.hash, session=form.session.id, now=now):
                return _act(uow, form, act)
    except _NothingHappenedError as error:
        return error.outcome
    with ledger.read() as connection:
        shown = store.outcome(connection, form.hash)
    if shown is None:
        raise RuntimeError("a used form has shown nothing")
    return shown


def _act(uow: UnitOfWork, form: Form, act: Callable[[UnitOfWork], str]) -> str:
    outcome = act(uow)
    if not uow.recorded:
        raise _NothingHappenedError(outcome)
    store.settle(uow.connection, form.hash, outcome)
    return outcome


def _mac(session: Session, use: str, body: bytes) -> bytes:
    return hmac.digest(session.form_key, use.encode() + b"\x00" + body, "sha256")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

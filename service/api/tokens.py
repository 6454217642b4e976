"""Access tokens as they come to the data API (RFC 9449 section 7).

What a token stands for never changes, so it is remembered by the token's hash until it ends. Its
state, the consent's and the client's are read at every fetch by `consent.decisions`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection

from audit.unit_of_work import Ledger
from policies.ids import ClientId
from service.exchange import Call
from service.oauth.dpop import token_hash
from service.oauth.errors import Reason

_MOST = 20_000
_SCHEME = "dpop"


class BoundToken(Protocol):
    """What every token that opens something stands for."""

    @property
    def client(self) -> ClientId:
        """Whose it is."""

    @property
    def jkt(self) -> str:
        """Thumbprint of the key that it is bound to (RFC 9449 section 6)."""

    @property
    def expires_at(self) -> datetime:
        """Its end."""


Access = TypeVar("Access", bound=BoundToken)
ReadAccess: TypeAlias = Callable[[Connection, str], Access | None]
"""Reads what a token stands for."""


class TokenError(Exception):
    """The token does not let the caller in (RFC 6750 section 3.1); `reason` is for the log."""

    def __init__(self, reason: str, *, presented: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.presented = presented


@dataclass(frozen=True, slots=True)
class Token:
    """A token that came, with its hash."""

    value: str = field(repr=False)
    ath: str = field(repr=False)


def presented_token(call: Call) -> Token:
    """The one token in the Authorization header, of scheme DPoP. Raises TokenError."""
    values = call.values(b"authorization")
    if not values:
        raise TokenError(Reason.CLIENT_MISSING, presented=False)
    scheme, _, value = values[0].partition(" ")
    if len(values) != 1 or scheme.lower() != _SCHEME or not value.isascii():
        raise TokenError("token-scheme")
    return Token(value, token_hash(value))


class RememberedTokens(Generic[Access]):
    """Finds what a token of one kind stands for."""

    def __init__(self, ledger: Ledger, read: ReadAccess[Access]) -> None:
        self._ledger = ledger
        self._read = read
        self._known: dict[str, Access] = {}

    def find(self, token: Token, now: datetime) -> Access:
        """What the token stands for. Raises TokenError when there is no such token."""
        known = self._known.get(token.ath)
        if known is not None:
            return known
        with self._ledger.read() as connection:
            found = self._read(connection, token.value)
        if found is None:
            raise TokenError("unknown-token")
        self._remember(token.ath, found, now)
        return found

    def _remember(self, ath: str, found: Access, now: datetime) -> None:
        if len(self._known) >= _MOST:
            living = {k: v for k, v in self._known.items() if now < v.expires_at}
            self._known = living if len(living) < _MOST else {}
        self._known[ath] = found

"""A PKCS#11 token as this process sees it: its module, the login, one session and their end.

Cryptoki is initialised without locks of its own (C_Initialize without arguments, PKCS #11 2.40
section 5.4), so one lock for each module guards every call of this process. A child that was
forked may use nothing of its parent's: it initialises the module again and logs in by itself. A
session that the token has closed (it was reset, taken out, or restarted) is opened again once.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pkcs11
from pkcs11 import exceptions as fault

from audit.key_errors import KeysUnavailableError

Result = TypeVar("Result")

LOST = (
    fault.DeviceError,
    fault.DeviceRemoved,
    fault.KeyHandleInvalid,
    fault.ObjectHandleInvalid,
    fault.SessionClosed,
    fault.SessionHandleInvalid,
    fault.TokenNotPresent,
    fault.UnwrappingKeyHandleInvalid,
    fault.UserNotLoggedIn,
    fault.WrappingKeyHandleInvalid,
)
"""What a session says that was good and is not any more."""


_WRONG_PIN = ("the PIN is wrong", "correct CONSENT_VAULT_PKCS11_PIN_FILE, then restart")
_PIN_REFUSED: dict[type[fault.PKCS11Error], tuple[str, str]] = {
    fault.PinExpired: ("the PIN has expired", "set a new one at the token, then restart"),
    fault.PinIncorrect: _WRONG_PIN,
    fault.PinInvalid: _WRONG_PIN,
    fault.PinLenRange: _WRONG_PIN,
    fault.PinLocked: ("the PIN is locked", "let the token's security officer unlock it"),
    fault.UserPinNotInitialized: ("there is no PIN", "set one at the token, then restart"),
}
"""What a token answers to a login, and what is told of it: the reason and the repair."""


class ModuleError(KeysUnavailableError):
    """The PKCS#11 module is not there or is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the PKCS#11 module {path} cannot be loaded",
            repair="set CONSENT_VAULT_PKCS11_MODULE to the module that came with your token",
        )


class TokenError(KeysUnavailableError):
    """There is no token of that name, or more than one."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(
            f"{reason} the label {label!r}",
            repair="plug it in or start what serves it, and compare CONSENT_VAULT_PKCS11_TOKEN with"
            " the labels that pkcs11-tool --list-token-slots shows",
        )


class PinError(KeysUnavailableError):
    """The token does not take the PIN. It is not tried again: a token locks itself after a few."""


class TokenSession:
    """A login to one token. Its repr hides the PIN."""

    def __init__(self, module: Path, label: str, pin: str) -> None:
        self._module = _Module.of(module)
        self._label = label
        self._pin = pin
        self._refused: PinError | None = None
        self._session: pkcs11.Session | None = None
        self._life = self._module.life

    def __repr__(self) -> str:
        return f"TokenSession({self._label!r}, PIN hidden)"

    def run(self, work: Callable[[pkcs11.Session], Result]) -> Result:
        """What the work gives for a session that reads. Raises KeyProviderError."""
        with self._module.lock, _telling():
            try:
                return work(self._open())
            except LOST:
                self._forget()
            return work(self._open())

    def change(self, work: Callable[[pkcs11.Session], Result]) -> Result:
        """The same for a session that may write, which is closed afterwards."""

        def with_writer(session: pkcs11.Session) -> Result:
            with session.token.open(rw=True) as writer:  # the login is the whole process's
                return work(writer)

        return self.run(with_writer)

    def close(self) -> None:
        """Log out and let go of the session."""
        with self._module.lock:
            self._forget()

    def _open(self) -> pkcs11.Session:
        if self._life != self._module.life:
            self._session, self._life = None, self._module.life  # it is the parent's
        if self._session is None:
            self._session = self._logged_in(self._token())
        return self._session

    def _token(self) -> pkcs11.Token:
        try:
            token: pkcs11.Token = self._module.library().get_token(token_label=self._label)
        except fault.NoSuchToken as error:
            raise TokenError(self._label, "no token has") from error
        except fault.MultipleTokensReturned as error:
            raise TokenError(self._label, "several tokens have") from error
        return token

    def _logged_in(self, token: pkcs11.Token) -> pkcs11.Session:
        if self._refused is not None:
            raise self._refused
        try:
            return token.open(user_pin=self._pin)
        except fault.UserAlreadyLoggedIn:
            return token.open()  # another session of this process has shown the PIN
        except tuple(_PIN_REFUSED) as error:
            reason, repair = _PIN_REFUSED[type(error)]
            self._refused = PinError(f"{reason} for the token {self._label!r}", repair=repair)
            raise self._refused from error

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None and self._life == self._module.life:
            with suppress(fault.PKCS11Error):  # it may be gone already
                session.close()


@contextmanager
def _telling() -> Iterator[None]:
    """Tell of a token that fails, by the class alone: a module's own words may say anything."""
    try:
        yield
    except fault.PKCS11Error as error:
        raise KeysUnavailableError(
            f"the token does not answer as it should ({type(error).__name__})",
            repair="look at the token and at what serves it; nothing has to be changed here",
        ) from error


class _Module:
    """A module, loaded once for the process. Every call into it is under its lock."""

    _loaded: ClassVar[dict[Path, "_Module"]] = {}

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.life = 0
        """How often the process was forked since the module was first named."""
        self._initialised = 0

    @classmethod
    def of(cls, path: Path) -> "_Module":
        return cls._loaded.setdefault(path, cls(path))

    def library(self) -> Any:
        """The module, initialised in this process. Raises ModuleError."""
        try:
            library = pkcs11.lib(str(self.path))
            if self._initialised != self.life:
                with suppress(
                    fault.PKCS11Error
                ):  # the parent's; it may not even be initialised here
                    library.finalize()
                library.initialize()
                self._initialised = self.life
        except fault.PKCS11Error as error:
            raise ModuleError(self.path) from error
        return library

    @classmethod
    def forked(cls) -> None:
        """In the child: another thread of the parent may have held the lock."""
        for module in cls._loaded.values():
            module.lock = threading.RLock()
            module.life += 1


os.register_at_fork(after_in_child=_Module.forked)

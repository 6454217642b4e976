"""What can be wrong with module, token and PIN: each has a name and a repair, and none the PIN."""

from pathlib import Path

import pkcs11
import pytest

from audit.key_errors import KeysUnavailableError
from tests.softhsm import PIN, SoftToken
from vault.providers.pkcs11_token import ModuleError, PinError, TokenError, TokenSession, _Module


def used(session: TokenSession) -> None:
    session.run(lambda opened: list(opened.get_objects()))


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF no module"])
def test_a_module_that_is_not_there_or_is_none_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "module.so"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModuleError, match="CONSENT_VAULT_PKCS11_MODULE") as caught:
        used(TokenSession(path, "any", PIN))
    assert str(path) in caught.value.reason


def test_a_library_that_is_no_module_is_named() -> None:
    library = next(Path("/").glob("usr/lib/*/libz.so.1"), Path("/usr/lib/libz.so.1"))
    with pytest.raises(ModuleError):
        used(TokenSession(library, "any", PIN))


def test_a_token_that_is_not_there_is_named(token: SoftToken) -> None:
    with pytest.raises(TokenError, match="no token has the label 'another'"):
        used(token.session(label="another"))


def test_two_tokens_of_one_label_are_named(token: SoftToken) -> None:
    token.add_token()
    with pytest.raises(TokenError, match="several tokens"):
        used(token.session())


@pytest.mark.parametrize("pin", ["000000", "", "1", "9" * 300])
def test_a_wrong_pin_is_named_and_not_tried_again(token: SoftToken, pin: str) -> None:
    session = token.session(pin=pin)
    with pytest.raises(PinError, match="CONSENT_VAULT_PKCS11_PIN_FILE") as first:
        used(session)
    used(token.session())  # the token itself is in order, and logged in from here on
    with pytest.raises(PinError) as second:
        used(session)
    assert second.value is first.value
    assert PIN not in str(first.value)
    assert not pin or f"'{pin}'" not in str(first.value)


def test_a_second_session_of_the_process_needs_no_login_of_its_own(token: SoftToken) -> None:
    one, other = token.session(), token.session()
    used(one)
    used(other)
    one.close()  # logs out the whole process
    used(other)
    other.close()


def test_every_failure_of_a_token_is_told_by_its_class_alone(token: SoftToken) -> None:
    def fails(_: pkcs11.Session) -> None:
        raise pkcs11.GeneralError("CANARY")

    with pytest.raises(KeysUnavailableError, match="GeneralError") as caught:
        token.session().run(fails)
    assert "CANARY" not in str(caught.value)


def test_a_session_that_is_lost_twice_is_not_opened_a_third_time(token: SoftToken) -> None:
    tries = 0

    def lost(_: pkcs11.Session) -> None:
        nonlocal tries
        tries += 1
        raise pkcs11.SessionHandleInvalid

    with pytest.raises(KeysUnavailableError, match="SessionHandleInvalid"):
        token.session().run(lost)
    assert tries == 2


def test_reading_needs_no_session_that_may_write(token: SoftToken) -> None:
    session = token.session()
    assert not session.run(lambda opened: opened.rw)
    assert session.change(lambda opened: opened.rw)
    assert not session.run(lambda opened: opened.rw)


def test_after_a_fork_the_module_is_initialised_and_the_login_made_anew(token: SoftToken) -> None:
    session = token.session()
    of_the_parent = session.run(lambda opened: opened)
    lock = session._module.lock
    _Module.forked()  # what a child does before anything else
    assert session._module.lock is not lock
    assert session.run(lambda opened: opened) is not of_the_parent
    used(session)

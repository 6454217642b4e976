"""Keys inside a token: a real PKCS#11 module in software, by both ways of wrapping."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from pkcs11 import Attribute

from audit.key_errors import KeysUnavailableError
from tests.softhsm import (
    BY_GCM,
    BY_KEY_WRAP,
    GCM_USE,
    KEY,
    NEITHER,
    PIN,
    WRAP_USE,
    SoftToken,
    soft_token,
)
from vault.envelope import MisplacedError, TruncatedError, join_parts
from vault.keys import NoKeyError, UnknownKeyError
from vault.providers.pkcs11 import Pkcs11KeyProvider, SameNumberError
from vault.providers.pkcs11_key import (
    NoMechanismError,
    TokenKey,
    UnsafeTokenKeyError,
    key_wrap,
)

DEK = bytes(range(32))
LENGTHS = {3: 65, 2: 77}
FORMATS = {BY_GCM: 3, BY_KEY_WRAP: 2}


@pytest.fixture(params=[BY_GCM, BY_KEY_WRAP], ids=["gcm", "key wrap"])
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SoftToken, int]]:
    """A token for each of the two ways of wrapping, and the format that follows."""
    with soft_token(tmp_path, request.param) as made:
        yield made, FORMATS[request.param]


@pytest.fixture
def provider(each: tuple[SoftToken, int]) -> Pkcs11KeyProvider:
    """A provider with one key."""
    opened = each[0].provider()
    opened.add_key()
    return opened


def test_a_wrapped_key_names_format_and_key_and_has_the_length_of_its_format(
    provider: Pkcs11KeyProvider, each: tuple[SoftToken, int]
) -> None:
    blob = provider.wrap(DEK, b"context")
    assert blob[:5] == bytes([each[1], 0, 0, 0, 1])
    assert len(blob) == LENGTHS[each[1]]
    assert provider.wrapped_under(blob) == "pkcs11:1"
    assert provider.wrap(DEK, b"context") != blob or each[1] == 2


def test_what_is_wrapped_by_gcm_is_what_the_format_says(token: SoftToken) -> None:
    value, iv, header = os.urandom(32), os.urandom(12), bytes.fromhex("0300000102")
    token.put(value, (258).to_bytes(4, "big"), **GCM_USE)
    bound = join_parts(header, b"context")
    blob = header + iv + AESGCM(value).encrypt(iv, DEK, bound)
    provider = token.provider()
    assert provider.unwrap(blob, b"context") == DEK
    made = provider.wrap(DEK, b"context")
    assert AESGCM(value).decrypt(made[5:17], made[17:], bound) == DEK


def test_what_is_wrapped_by_key_wrap_is_what_the_format_says(token: SoftToken) -> None:
    value, header = os.urandom(32), bytes.fromhex("0200000001")
    token.put(value, (1).to_bytes(4, "big"), **WRAP_USE)
    inner = DEK + sha256(join_parts(header, b"context")).digest()
    blob = header + aes_key_wrap_with_padding(value, inner)
    assert token.provider().wrap(DEK, b"context") == blob
    assert token.provider().unwrap(blob, b"context") == DEK


def test_the_key_is_made_in_the_token_and_cannot_be_read(
    provider: Pkcs11KeyProvider, each: tuple[SoftToken, int]
) -> None:
    assert provider.key_id == "pkcs11:1"
    with each[0].by_hand() as session:
        (key,) = session.get_objects({Attribute.LABEL: KEY})
        assert key[Attribute.SENSITIVE]
        assert key[Attribute.ALWAYS_SENSITIVE]
        assert key[Attribute.NEVER_EXTRACTABLE]
        assert not key[Attribute.EXTRACTABLE]
        assert not (key[Attribute.ENCRYPT] and key[Attribute.WRAP])
        with pytest.raises(pkcs11.AttributeSensitive):
            key[Attribute.VALUE]


def test_nothing_that_passed_through_the_token_stays_there(
    provider: Pkcs11KeyProvider, each: tuple[SoftToken, int]
) -> None:
    provider.unwrap(provider.wrap(DEK, b""), b"")
    with each[0].by_hand() as session:
        assert len(list(session.get_objects())) == 1
    assert each[0].objects() == 1


def test_a_destroyed_key_is_gone_from_the_token_and_opens_nothing(
    provider: Pkcs11KeyProvider, each: tuple[SoftToken, int]
) -> None:
    blob, running = provider.wrap(DEK, b""), each[0].provider()
    assert running.unwrap(blob, b"") == DEK
    provider.add_key()
    provider.destroy("pkcs11:1")
    assert each[0].objects() == 1
    assert provider.key_ids() == ("pkcs11:2",)
    for opened in (provider, running, each[0].provider()):
        with pytest.raises(UnknownKeyError, match="pkcs11:1"):
            opened.unwrap(blob, b"")
    assert provider.add_key() == "pkcs11:3"


def test_a_running_process_takes_up_what_another_one_does(token: SoftToken) -> None:
    running = token.provider()
    running.add_key()
    blob = running.wrap(DEK, b"")
    _in_another_process(token, "provider.add_key()")
    assert running.wrapped_under(running.wrap(DEK, b"")) == "pkcs11:2"
    _in_another_process(token, "provider.destroy('pkcs11:1')")
    assert running.key_ids() == ("pkcs11:2",)
    with pytest.raises(UnknownKeyError):
        running.unwrap(blob, b"")


def test_a_token_without_a_key_says_so(token: SoftToken) -> None:
    assert token.provider().key_ids() == ()
    with pytest.raises(NoKeyError, match="CONSENT_VAULT_PKCS11_KEY"):
        token.provider().wrap(DEK, b"")
    with pytest.raises(NoKeyError):
        assert token.provider().key_id


def test_the_other_format_of_tokens_does_not_open(provider: Pkcs11KeyProvider) -> None:
    blob = provider.wrap(DEK, b"")
    with pytest.raises(MisplacedError):
        provider.unwrap(bytes([5 - blob[0]]) + blob[1:], b"")


@pytest.mark.parametrize("length", [0, 4, 5, 32])
def test_a_short_blob_is_named_truncated(provider: Pkcs11KeyProvider, length: int) -> None:
    with pytest.raises(TruncatedError):
        provider.unwrap(provider.wrap(DEK, b"")[:length], b"")


@pytest.mark.parametrize(
    ("changes", "number", "reason"),
    [
        ({"EXTRACTABLE": True}, bytes(4), "may leave"),
        ({"SENSITIVE": False}, bytes(4), "may leave"),
        ({}, b"1", "not one of ours"),
        ({"VALUE": bytes(16)}, bytes(4), "not one of ours"),
    ],
)
def test_a_key_that_is_not_as_we_make_them_is_refused(
    token: SoftToken, changes: dict[str, Any], number: bytes, reason: str
) -> None:
    token.put(DEK, number, **GCM_USE | changes)
    with pytest.raises(UnsafeTokenKeyError, match=reason):
        token.provider().wrap(DEK, b"")


def test_two_keys_of_one_number_are_refused(token: SoftToken) -> None:
    for _ in range(2):
        token.put(os.urandom(32), bytes([0, 0, 0, 1]), **GCM_USE)
    with pytest.raises(SameNumberError, match="pkcs11:1") as caught:
        token.provider().wrap(DEK, b"")
    assert caught.value.key_id == "pkcs11:1"


class _Beside:
    """A session of a token, and what it does otherwise than others."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class _Busy(_Beside):
    """Another process makes a key just then."""

    def generate_key(self, *given: Any, **named: Any) -> Any:
        self._session.generate_key(*given, **named)
        return self._session.generate_key(*given, **named)


class _OwnIvOnly(_Beside):
    """The token takes no IV from outside, as some that are certified by FIPS 140."""

    def generate_key(self, *given: Any, **named: Any) -> Any:
        return _OwnIvOnlyKey(self._session.generate_key(*given, **named))


class _OwnIvOnlyKey(_Beside):
    def __getitem__(self, attribute: Attribute) -> Any:
        return self._session[attribute]

    def encrypt(self, _: bytes, **__: Any) -> bytes:
        raise pkcs11.MechanismParamInvalid


def test_of_two_that_add_a_key_at_once_one_takes_its_own_back(token: SoftToken) -> None:
    provider = token.provider()
    with token.by_hand() as session, pytest.raises(SameNumberError, match="again"):
        provider._added(_Busy(session))  # type: ignore[arg-type]  # it behaves as one
    assert token.objects() == 1


def test_a_token_that_takes_no_iv_from_outside_wraps_by_key_wrap(token: SoftToken) -> None:
    provider = token.provider()
    with token.by_hand() as session:
        provider._added(_OwnIvOnly(session))  # type: ignore[arg-type]  # it behaves as one
    assert token.objects() == 1
    assert provider.wrap(DEK, b"")[0] == 2


def test_key_wrap_goes_by_its_newer_number_where_the_token_has_it() -> None:
    def session(*mechanisms: pkcs11.Mechanism) -> Any:
        slot = SimpleNamespace(get_mechanisms=lambda: set(mechanisms))
        return SimpleNamespace(token=SimpleNamespace(slot=slot))

    older, newer = pkcs11.Mechanism.AES_KEY_WRAP_PAD, pkcs11.Mechanism.AES_KEY_WRAP_KWP
    assert key_wrap(session(older)) is older
    assert key_wrap(session(older, newer)) is newer


def test_a_token_that_can_do_neither_is_refused_and_keeps_no_key(tmp_path: Path) -> None:
    with soft_token(tmp_path, NEITHER) as made:
        with pytest.raises(NoMechanismError):
            made.provider().add_key()
        assert made.objects() == 0


class _Failing:
    """A key of a token that is in trouble."""

    def __init__(self, error: type[Exception], opened: bytes = b"") -> None:
        self._error, self._opened, self._calls = error, opened, 0

    def encrypt(self, plain: bytes, **_: Any) -> bytes:
        return plain + bytes(16)

    def decrypt(self, _: bytes, **__: Any) -> bytes:
        self._calls += 1
        if self._opened and self._calls > 1:
            return self._opened
        raise self._error


@pytest.mark.parametrize("error", [pkcs11.DeviceError, pkcs11.GeneralError])
def test_trouble_of_the_token_is_not_taken_for_a_changed_blob(
    error: type[Exception],
) -> None:
    blob = bytes.fromhex("0300000001") + bytes(60)
    with pytest.raises(error):
        TokenKey(1, _Failing(error), by_gcm=True).unwrap(blob, b"")
    with pytest.raises(error):
        TokenKey(1, _Failing(error, b"another"), by_gcm=True).unwrap(blob, b"")


def test_a_key_whose_mechanism_is_refused_does_not_suit() -> None:
    assert not TokenKey(1, _Failing(pkcs11.MechanismParamInvalid), by_gcm=True).suits()


def test_threads_share_one_token(provider: Pkcs11KeyProvider) -> None:
    start, done = threading.Barrier(6), list[int]()

    def work(number: int) -> None:
        key, context = os.urandom(32), str(number).encode()
        start.wait()
        for _ in range(30):
            assert provider.unwrap(provider.wrap(key, context), context) == key
        done.append(number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(6))


def test_a_forked_child_logs_in_by_itself_and_the_parent_goes_on(token: SoftToken) -> None:
    _in_another_process(
        token,
        """
import os, threading, time
provider.add_key()
blob = provider.wrap(bytes(32), b'')
held = threading.Event()
def hold(session):
    held.set(); time.sleep(1)
threading.Thread(target=provider._session.run, args=[hold], daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    os._exit(0 if provider.unwrap(provider.wrap(b'x' * 32, b''), b'') == b'x' * 32 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert provider.unwrap(blob, b'') == bytes(32)
""",
    )


def test_a_token_that_goes_away_while_it_is_used_is_unavailable(token: SoftToken) -> None:
    provider = token.provider()
    provider.add_key()
    blob = provider.wrap(DEK, b"")
    pkcs11.lib(str(token.module)).reinitialize()  # as after a reset: all sessions are gone
    assert provider.unwrap(blob, b"") == DEK
    for path in sorted(token.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    pkcs11.lib(str(token.module)).reinitialize()
    with pytest.raises(KeysUnavailableError):
        provider.unwrap(blob, b"")


def test_the_repr_hides_the_pin(token: SoftToken) -> None:
    assert repr(token.provider()) == (
        "Pkcs11KeyProvider(TokenSession('vault of a test', PIN hidden), 'consent-vault')"
    )
    assert PIN not in repr(vars(token.provider())["_session"])


def test_a_closed_provider_opens_again_when_it_is_used(provider: Pkcs11KeyProvider) -> None:
    blob = provider.wrap(DEK, b"")
    provider.close()
    provider.close()
    assert provider.unwrap(blob, b"") == DEK


def _in_another_process(token: SoftToken, script: str) -> None:
    opening = (
        "import sys; from pathlib import Path\n"
        "from vault.providers.pkcs11 import Pkcs11KeyProvider\n"
        "from vault.providers.pkcs11_token import TokenSession\n"
        "session = TokenSession(Path(sys.argv[1]), sys.argv[2], sys.argv[3])\n"
        f"provider = Pkcs11KeyProvider(session, {KEY!r})\n"
    )
    arguments = [str(token.module), "vault of a test", PIN]
    done = subprocess.run(
        [sys.executable, "-c", opening + script, *arguments], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()

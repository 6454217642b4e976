"""What the port promises (vault.keys), of every provider alike, both ways of a token included."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.keys import KeyWrapper
from tests.softhsm import BY_GCM, BY_KEY_WRAP, SoftToken, soft_token
from tests.vault.providers.every import (
    Making,
    in_file,
    in_service,
    in_token,
    sealed_by_service,
)
from vault.envelope import MisplacedError, SealError, TruncatedError, UnknownFormatError
from vault.keys import (
    CurrentKeyError,
    KeyProvider,
    NoKeyError,
    OlderKeysError,
    UnknownKeyError,
    WrapFormat,
)
from vault.providers.moving import FormerProvider

DEK = bytes(range(32))
KINDS: dict[str, tuple[Making, str | None]] = {
    "file": (in_file, None),
    "service": (in_service, None),
    "sealed": (sealed_by_service, None),
    "token by GCM": (in_token, BY_GCM),
    "token by key wrap": (in_token, BY_KEY_WRAP),
}
TOKENS = {WrapFormat.TOKEN_GCM, WrapFormat.TOKEN_KEY_WRAP}


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FormerProvider]:
    """A provider without a key."""
    making, mechanisms = KINDS[request.param]
    if mechanisms is None:
        yield making(tmp_path / "keys", SoftToken(tmp_path, tmp_path))
        return
    with soft_token(tmp_path, mechanisms) as token:
        yield making(tmp_path / "keys", token)


@pytest.fixture
def provider(empty: FormerProvider) -> FormerProvider:
    """A provider with one key."""
    empty.add_key()
    return empty


def test_it_serves_the_vault_and_the_log(provider: FormerProvider) -> None:
    for_the_vault: KeyProvider = provider
    for_the_log: KeyWrapper = provider
    blob = for_the_vault.wrap(DEK, b"context")
    assert for_the_log.unwrap(blob, b"context") == DEK
    assert DEK not in blob


def test_without_a_key_it_says_so(empty: FormerProvider) -> None:
    assert empty.key_ids() == ()
    with pytest.raises(NoKeyError):
        assert empty.key_id
    with pytest.raises(UnknownKeyError):
        empty.destroy("file:1")


def test_generations_come_and_go_and_no_number_comes_twice(provider: FormerProvider) -> None:
    (first,) = provider.key_ids()
    kind, _, number = first.partition(":")
    assert number == "1"
    blob = provider.wrap(DEK, b"")
    second, third = f"{kind}:2", f"{kind}:3"
    assert provider.add_key() == provider.key_id == second
    assert provider.wrapped_under(provider.wrap(DEK, b"")) == second
    assert provider.unwrap(blob, b"") == DEK
    provider.destroy(first)
    assert provider.key_ids() == (second,)
    assert provider.wrapped_under(blob) == first
    with pytest.raises(UnknownKeyError, match=first):
        provider.unwrap(blob, b"")
    assert provider.add_key() == third


def test_what_cannot_be_destroyed_is_named_and_stays(provider: FormerProvider) -> None:
    for _ in range(2):
        provider.add_key()
    first, second, third = provider.key_ids()
    with pytest.raises(CurrentKeyError, match=third):
        provider.destroy(third)
    for unknown in (f"{third}0", "other:1", ""):
        with pytest.raises(UnknownKeyError):
            provider.destroy(unknown)
    if not first.startswith("file:"):  # a file is destroyed by itself
        with pytest.raises(OlderKeysError, match=first) as caught:
            provider.destroy(second)
        assert caught.value.oldest == first
    assert provider.key_ids() == (first, second, third)


def test_another_context_does_not_open(provider: FormerProvider) -> None:
    with pytest.raises(MisplacedError):
        provider.unwrap(provider.wrap(DEK, b"one"), b"other")


def test_a_renumbered_blob_does_not_open(provider: FormerProvider) -> None:
    blob = provider.wrap(DEK, b"")
    provider.add_key()
    with pytest.raises(MisplacedError):
        provider.unwrap(blob[:4] + b"\x02" + blob[5:], b"")
    with pytest.raises(UnknownKeyError, match=":7"):
        provider.unwrap(blob[:4] + b"\x07" + blob[5:], b"")


def test_every_changed_byte_is_found(provider: FormerProvider) -> None:
    blob = provider.wrap(DEK, b"")
    for place in range(5, len(blob)):
        with pytest.raises(SealError) as caught:
            provider.unwrap(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :], b"")
        assert DEK.hex() not in repr(caught.value)


def test_every_other_format_is_named(provider: FormerProvider) -> None:
    blob = provider.wrap(DEK, b"")
    ours = TOKENS if blob[0] in TOKENS else {blob[0]}
    for other in {0, *WrapFormat, 6, 255} - ours:
        with pytest.raises(UnknownFormatError):
            provider.unwrap(bytes([other]) + blob[1:], b"")
        with pytest.raises(UnknownFormatError):
            provider.wrapped_under(bytes([other]) + blob[1:])


def test_a_blob_without_its_header_is_named_truncated(provider: FormerProvider) -> None:
    blob = provider.wrap(DEK, b"")
    for length in (0, 1, 4):
        with pytest.raises(TruncatedError):
            provider.unwrap(blob[:length], b"")
        with pytest.raises(TruncatedError):
            provider.wrapped_under(blob[:length])


def test_a_cut_or_lengthened_blob_does_not_open(provider: FormerProvider) -> None:
    blob = provider.wrap(DEK, b"")
    for damaged in (blob[:-1], blob[:-8], blob + b"\x00"):
        with pytest.raises(SealError):
            provider.unwrap(damaged, b"")

"""AES-256-GCM a third time, in plain Python from FIPS 197 and SP 800-38D: slow, and nobody else's.

The library that seals is the one that opens in most tests; here nothing is shared with it.
"""

from collections.abc import Iterator
from hmac import compare_digest

_ROUNDS = 14
_FIELD = 0xE1 << 120
"""The polynomial of GHASH, bits reflected (SP 800-38D section 6.3)."""


class TagError(ValueError):
    """The tag is not that of ciphertext and associated data."""


def _doubled(byte: int) -> int:
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


def _boxed() -> list[int]:
    """The S-box: inverse in the field, then the affine map (FIPS 197 section 5.1.1)."""
    powers, value = [], 1
    for _ in range(255):
        powers.append(value)
        value ^= _doubled(value)  # 3 generates the field
    logarithm = {power: number for number, power in enumerate(powers)}
    box = []
    for byte in range(256):
        inverse = powers[-logarithm[byte] % 255] if byte else 0
        wide = inverse | inverse << 8
        box.append(
            0x63
            ^ inverse
            ^ _rotated(wide, 1)
            ^ _rotated(wide, 2)
            ^ _rotated(wide, 3)
            ^ _rotated(wide, 4)
        )
    return box


def _rotated(wide: int, left: int) -> int:
    return wide >> (8 - left) & 0xFF


_BOX = _boxed()


def _round_keys(key: bytes) -> list[bytes]:
    words, constant = [key[i : i + 4] for i in range(0, 32, 4)], 1
    for number in range(8, 4 * (_ROUNDS + 1)):
        word = words[-1]
        if number % 8 == 0:
            word = bytes(_BOX[b] for b in word[1:] + word[:1])
            word, constant = bytes([word[0] ^ constant]) + word[1:], _doubled(constant)
        elif number % 8 == 4:
            word = bytes(_BOX[b] for b in word)
        words.append(_xor(word, words[-8]))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))


def _block(keys: list[bytes], block: bytes) -> bytes:
    state = _xor(block, keys[0])
    for number in range(1, _ROUNDS + 1):
        state = bytes(_BOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16))  # rows shifted
        if number < _ROUNDS:
            state = b"".join(_mixed(state[i : i + 4]) for i in range(0, 16, 4))
        state = _xor(state, keys[number])
    return state


def _mixed(column: bytes) -> bytes:
    every = column[0] ^ column[1] ^ column[2] ^ column[3]
    return bytes(column[i] ^ every ^ _doubled(column[i] ^ column[(i + 1) % 4]) for i in range(4))


def _times(left: int, right: int) -> int:
    product = 0
    for place in range(127, -1, -1):
        if left >> place & 1:
            product ^= right
        right = right >> 1 ^ (_FIELD if right & 1 else 0)
    return product


def _hash(subkey: int, bound: bytes, sealed: bytes) -> int:
    sizes = (len(bound) * 8).to_bytes(8, "big") + (len(sealed) * 8).to_bytes(8, "big")
    value = 0
    for block in (*_blocks(bound), *_blocks(sealed), sizes):
        value = _times(value ^ int.from_bytes(block.ljust(16, b"\0"), "big"), subkey)
    return value


def _blocks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 16):
        yield content[start : start + 16]


def _stream(keys: list[bytes], iv: bytes, content: bytes) -> bytes:
    counters = (iv + number.to_bytes(4, "big") for number in range(2, 2**32))
    return b"".join(_xor(part, _block(keys, next(counters))) for part in _blocks(content))


def _tag(keys: list[bytes], iv: bytes, bound: bytes, sealed: bytes) -> bytes:
    subkey = int.from_bytes(_block(keys, bytes(16)), "big")
    hashed = _hash(subkey, bound, sealed).to_bytes(16, "big")
    return _xor(hashed, _block(keys, iv + (1).to_bytes(4, "big")))


def encrypt(key: bytes, iv: bytes, plain: bytes, bound: bytes) -> bytes:
    """Ciphertext and tag, for an IV of 12 bytes."""
    keys = _round_keys(key)
    sealed = _stream(keys, iv, plain)
    return sealed + _tag(keys, iv, bound, sealed)


def decrypt(key: bytes, iv: bytes, message: bytes, bound: bytes) -> bytes:
    """The plain bytes. Raises TagError."""
    keys, sealed = _round_keys(key), message[:-16]
    if not compare_digest(_tag(keys, iv, bound, sealed), message[-16:]):
        raise TagError
    return _stream(keys, iv, sealed)

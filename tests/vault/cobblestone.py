"""Cobblestone-256 a second time, from the specification alone, to hold the library against.

c2sp.org/chunked-encryption with SHA-512 and AEAD_AES_256_GCM, built on HKDF-Expand (RFC 5869)
and AES-GCM.
"""

from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CHUNK = 16 * 1024
TAG = 16
SALT = 24
Decrypt = Callable[[bytes, bytes, bytes, bytes], bytes]
"""AES-256-GCM by key, nonce, ciphertext with tag, and associated data."""
_SHA512 = SHA512()
_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"


def _decrypted(key: bytes, nonce: bytes, message: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(nonce, message, bound)


def seal(key: bytes, context: bytes, plain: bytes, *, salt: bytes) -> bytes:
    """Seal with a given salt: for known answers only."""
    chunk_key, base_nonce, commitment = _derive(key, context, salt, _SHA512)
    whole = len(plain) // CHUNK  # the last chunk is always shorter than a whole one
    chunks = [plain[i * CHUNK : (i + 1) * CHUNK] for i in range(whole + 1)]
    sealed = (
        AESGCM(chunk_key).encrypt(_nonce(base_nonce, number), chunk, b"")
        for number, chunk in enumerate(chunks)
    )
    return salt + commitment + b"".join(sealed)


def unseal(
    key: bytes,
    context: bytes,
    message: bytes,
    *,
    algorithm: HashAlgorithm = _SHA512,
    decrypt: Decrypt = _decrypted,
) -> bytes:
    """Open; raises ValueError or InvalidTag.

    Cobblestone-256 is with SHA-512; with another hash it is another instance of the specification.
    """
    salt, stated, rest = message[:SALT], message[SALT : SALT + 32], message[SALT + 32 :]
    chunk_key, base_nonce, commitment = _derive(key, context, salt, algorithm)
    if commitment != stated:
        raise ValueError("commitment")
    return b"".join(
        decrypt(chunk_key, _nonce(base_nonce, number), chunk, b"")
        for number, chunk in enumerate(_chunks(rest))
    )


def _chunks(rest: bytes) -> Iterator[bytes]:
    size = CHUNK + TAG
    for start in range(0, len(rest) // size * size + 1, size):
        yield rest[start : start + size]


def _derive(
    key: bytes, context: bytes, salt: bytes, algorithm: HashAlgorithm
) -> tuple[bytes, bytes, bytes]:
    okm = HKDFExpand(algorithm, 32 + 12 + 32, _LABEL + salt + context).derive(key)
    return okm[:32], okm[32:44], okm[44:]


def _nonce(base: bytes, number: int) -> bytes:
    return bytes(a ^ b for a, b in zip(base, number.to_bytes(12, "big"), strict=True))

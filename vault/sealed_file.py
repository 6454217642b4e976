"""A file sealed as a whole, written and read in a stream: backups lie outside our walls.

| offset | size       | field                                                              |
|--------|------------|--------------------------------------------------------------------|
| 0      | 24         | `consent-vault/backup/v1` and a newline                            |
| 24     | 4          | length of the header, u32 big-endian, 65,536 at most               |
| 28     | n          | header: what it is, in clear; bound to the content                 |
| 28 + n | 56         | salt (24 bytes) and commitment to key, salt and header (32 bytes)  |
| 84 + n | m + 16 each| AES-256-GCM chunks of 16 KiB, the last one shorter, perhaps empty  |

From the salt on it is Cobblestone-256 (C2SP chunked-encryption@v1). A file that was cut at the end
of a chunk does not pass: the last chunk is shorter than the others, so it is missed.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from vault.envelope import ChangedError, MisplacedError, SealError, TruncatedError, join_parts

MAGIC = b"consent-vault/backup/v1\n"
LONGEST_HEADER = 65_536
PIECE = 1 << 20
_LENGTH = struct.Struct(">I")
_HEAD = 24 + 32


class NotSealedFileError(SealError):
    """Not a file of this kind, or of a future version of it."""


def write_sealed(
    file: BinaryIO, header: bytes, key: bytes | bytearray, pieces: Iterable[bytes]
) -> str:
    """Write all of it; gives the SHA-256, in lower-case hexadecimal, of the plain content."""
    if len(header) > LONGEST_HEADER:
        raise ValueError("the header of a sealed file has 65,536 bytes at most")
    plain = hashlib.sha256()
    encryptor = Cobblestone256Encryptor(key, _context(header))
    file.write(MAGIC + _LENGTH.pack(len(header)) + header)
    for piece in pieces:
        plain.update(piece)
        file.write(encryptor.update(piece))
    file.write(encryptor.finalize())
    return plain.hexdigest()


def read_header(file: BinaryIO) -> bytes:
    """The header, as it was written; it is proven only by reading on.

    Raises NotSealedFileError and TruncatedError.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise NotSealedFileError
    length = _exactly(file, _LENGTH.size)
    if _LENGTH.unpack(length)[0] > LONGEST_HEADER:
        raise NotSealedFileError
    return _exactly(file, _LENGTH.unpack(length)[0])


def read_sealed(file: BinaryIO, header: bytes, key: bytes | bytearray) -> Iterator[bytes]:
    """The plain content, piece by piece, after `read_header`.

    Trust none of it before the last piece has come: only then is it known to be whole. Raises
    TruncatedError, MisplacedError (another key or header) or ChangedError.
    """
    decryptor = Cobblestone256Decryptor(key, _context(header))
    head = _exactly(file, _HEAD)
    try:
        decryptor.update(head)
    except InvalidTag as error:
        raise MisplacedError from error
    try:
        while piece := file.read(PIECE):
            yield decryptor.update(piece)
        yield decryptor.finalize()
    except InvalidTag as error:
        raise ChangedError from error


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = file.read(size)
    if len(found) < size:
        raise TruncatedError
    return found


def _context(header: bytes) -> bytes:
    return join_parts(b"vault/backup/1", hashlib.sha256(MAGIC + header).digest())

"""The one zip file that a set of files can be: names in order, stored, no times, no extras.

Pure. Any zip program reads it, and the same log gives the same bytes. Reading is strict: after
unpacking, packing again must give what was read, so no byte of the container is free.
"""

import re
import struct
import zlib
from collections.abc import Mapping

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = 0x04034B50, 0x02014B50, 0x06054B50
_VERSION = 20
_UNIX = 3 << 8
_FIRST_DAY = 0x0021
"""1980-01-01, where the time of zip begins."""
_MODE = 0o100644 << 16
_MAX_FILES = 0xFFFF - 1
_MAX_BYTES = 0xFFFFFFFF - 1
_NAME = re.compile(r"[a-z0-9./_-]{1,100}")


class ContainerError(ValueError):
    """Bytes that are not a container of ours, or files too many for one."""

    def __init__(self, name: str | None, reason: str) -> None:
        super().__init__(reason if name is None else f"{name}: {reason}")
        self.name = name
        self.reason = reason


def is_name(name: str) -> bool:
    """Whether a file of a container can have this name."""
    return _NAME.fullmatch(name) is not None


def pack(files: Mapping[str, bytes]) -> bytes:
    """The container of these files. Raises ContainerError when they are too many or too large."""
    count = len(files)
    heads = sum(_LOCAL.size + _CENTRAL.size + 2 * len(name) for name in files)
    if count > _MAX_FILES or heads + sum(map(len, files.values())) > _MAX_BYTES:
        raise ContainerError(None, "too large for one file; export a shorter range")
    body, directory = bytearray(), bytearray()
    for name in sorted(files):
        directory += _central(name, files[name], len(body))
        body += _local(name, files[name]) + files[name]
    end = _END.pack(_END_MAGIC, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def unpack(data: bytes) -> dict[str, bytes]:
    """The files, WITHOUT the check that nothing else is in the container; see `check`."""
    files: dict[str, bytes] = {}
    place, last = 0, None
    while data[place : place + 4] == _LOCAL_MAGIC.to_bytes(4, "little"):
        name, content, place = _read_file(data, place, last)
        if name in files:
            raise ContainerError(name, "stands twice in the container")
        files[name] = content
        last = name
    if data[place : place + 4] != _CENTRAL_MAGIC.to_bytes(4, "little"):
        raise ContainerError(last, "what follows is neither a file nor the directory")
    return files


def check(data: bytes, files: Mapping[str, bytes]) -> None:
    """Raises ContainerError naming the file at which the bytes leave the canonical form."""
    canonical = pack(files)
    if data == canonical:
        return
    place = next(
        (
            i
            for i, (ours, theirs) in enumerate(zip(canonical, data, strict=False))
            if ours != theirs
        ),
        min(len(canonical), len(data)),
    )
    raise ContainerError(_name_at(files, place), "container not in canonical form")


def _name_at(files: Mapping[str, bytes], place: int) -> str | None:
    end = 0
    for name in sorted(files):
        end += _LOCAL.size + len(name) + len(files[name])
        if place < end:
            return name
    return None


def _read_file(data: bytes, place: int, last: str | None) -> tuple[str, bytes, int]:
    if len(data) < place + _LOCAL.size:
        raise ContainerError(last, "cut after this file")
    fields = _LOCAL.unpack_from(data, place)
    size, name_size = fields[7], fields[9]
    start = place + _LOCAL.size
    name = data[start : start + name_size].decode("latin-1")
    if not is_name(name):  # it will be shown to people
        raise ContainerError(last, "the file after this has no proper name")
    content = data[start + name_size : start + name_size + size]
    if len(content) != size:
        raise ContainerError(name, "cut inside this file")
    return name, content, start + name_size + size


def _local(name: str, data: bytes) -> bytes:
    crc, size = zlib.crc32(data), len(data)
    head = (_LOCAL_MAGIC, _VERSION, 0, 0, 0, _FIRST_DAY, crc, size, size, len(name), 0)
    return _LOCAL.pack(*head) + name.encode("ascii")


def _central(name: str, data: bytes, offset: int) -> bytes:
    crc, size = zlib.crc32(data), len(data)
    head = (_CENTRAL_MAGIC, _UNIX | _VERSION, _VERSION, 0, 0, 0, _FIRST_DAY, crc, size, size)
    return _CENTRAL.pack(*head, len(name), 0, 0, 0, 0, _MODE, offset) + name.encode("ascii")

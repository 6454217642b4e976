"""Where a bundle's files come from: bytes, one file, or the folder it was unpacked to."""

from collections.abc import Iterator
from pathlib import Path

from audit.container import ContainerError, is_name, unpack
from audit.faults import BundleError, Fault


def read_files(source: bytes | Path) -> tuple[dict[str, bytes], bytes | None]:
    """The files by name, and the container's bytes if there is one. Raises BundleError."""
    try:
        if isinstance(source, Path) and source.is_dir():
            return dict(_in_folder(source)), None
        raw = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise BundleError(Fault.UNREADABLE, error.filename and Path(error.filename).name) from error
    try:
        return unpack(raw), raw
    except ContainerError as error:
        raise BundleError(Fault.CONTAINER, error.name) from error


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not is_name(name):  # it would be shown to people, who must not be shown control codes
            raise BundleError(Fault.FILE_NAME, ascii(name))
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            # A link could show another file to each reader, a pipe makes a reader wait for ever.
            raise BundleError(Fault.UNKNOWN_FILE, name)
        if path.is_file():
            yield name, path.read_bytes()

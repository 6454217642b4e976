"""The canonical container: any zip program reads it, and no byte of it is free."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.container import ContainerError, check, pack, unpack

FILES = {"checkpoint": b"note\n", "tile/0/000.p/2": bytes(64), "empty": b""}
PACKED = pack(FILES)
FIRST = 30 + len("checkpoint")


def read(data: bytes) -> dict[str, bytes]:
    files = unpack(data)
    check(data, files)
    return files


def test_it_reads_back() -> None:
    assert read(PACKED) == FILES


def test_the_order_of_the_files_does_not_matter() -> None:
    assert pack(dict(reversed(FILES.items()))) == PACKED


def test_the_standard_library_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(PACKED)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        first = archive.infolist()[0]
        assert first.date_time == (1980, 1, 1, 0, 0, 0)
        assert first.compress_type == zipfile.ZIP_STORED


def test_a_zip_by_another_program_is_not_canonical() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    with pytest.raises(ContainerError):
        read(buffer.getvalue())


@pytest.mark.parametrize("place", range(len(PACKED)))
def test_a_changed_byte_is_noticed(place: int) -> None:
    changed = bytearray(PACKED)
    changed[place] ^= 0x20
    with pytest.raises(ContainerError):
        read(bytes(changed))


def test_nothing_at_all_is_no_container() -> None:
    with pytest.raises(ContainerError):
        read(b"")


@pytest.mark.parametrize("length", range(len(PACKED)))
def test_a_cut_container_is_refused(length: int) -> None:
    with pytest.raises(ContainerError):
        read(PACKED[:length])


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(ContainerError):
        read(PACKED + b"x")


def test_the_file_with_a_changed_header_is_named() -> None:
    changed = bytearray(PACKED)
    changed[FIRST + len(b"note\n") + 10] ^= 1  # the time of the second file
    with pytest.raises(ContainerError) as error:
        read(bytes(changed))
    assert error.value.name == "empty"
    assert "canonical" in error.value.reason


def test_a_changed_directory_is_no_files_fault() -> None:
    changed = bytearray(PACKED)
    changed[-1] ^= 1
    with pytest.raises(ContainerError) as error:
        read(bytes(changed))
    assert error.value.name is None


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(ContainerError, match="twice"):
        unpack(PACKED[: FIRST + 5] + PACKED)


@pytest.mark.parametrize("name", [b"Check", b"ch\xc3\xa4ck", b"..\\x", b"a" * 101])
def test_a_file_without_a_proper_name_is_refused(name: bytes) -> None:
    header = bytearray(PACKED[:30])
    header[26:28] = len(name).to_bytes(2, "little")
    with pytest.raises(ContainerError, match="proper name"):
        unpack(bytes(header) + name + PACKED[FIRST:])


def test_more_files_than_a_zip_counts_are_refused() -> None:
    with pytest.raises(ContainerError, match="too large"):
        pack({f"tile/{i}": b"" for i in range(0xFFFF)})


def test_more_bytes_than_a_zip_counts_are_refused() -> None:
    quarter = bytes(2**30)  # zeros that the system does not have to keep
    with pytest.raises(ContainerError, match="too large"):
        pack(dict.fromkeys("abcd", quarter))


NAMES = st.from_regex(r"[a-z0-9./_-]{1,30}", fullmatch=True)


@settings(max_examples=100)
@given(st.dictionaries(NAMES, st.binary(max_size=100), min_size=1, max_size=6))
def test_any_files_read_back(files: dict[str, bytes]) -> None:
    assert read(pack(files)) == files

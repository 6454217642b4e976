"""The lines and the manifest of an export: one spelling only."""

from uuid import UUID

import pytest

from audit.bundle_files import BundleFileError, EventLine, manifest_text, parse_manifest, sha256

LINE = EventLine(7, UUID(int=5), (bytes(32), b"\xff" * 32), ("abc",))
TEXT = str(LINE)


def test_a_line_reads_back() -> None:
    assert EventLine.parse(TEXT) == LINE


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "[]\n",
        "7\n",
        "{}\n",
        TEXT[:-1],
        TEXT.replace(":7", ": 7"),
        TEXT.replace(":7", ':"7"'),
        TEXT.replace(":7", ":7.0"),
        TEXT.replace(":7", ":Infinity"),
        TEXT.replace(":7", ":1e400"),
        TEXT.replace(":7", ":NaN"),
        TEXT.replace(":7", ":" + "7" * 5000),
        TEXT.replace(":7", ":" + "[" * 100_000),
        TEXT.replace(":7", ':7,"index":7'),
        TEXT.replace(":7", ":true"),
        TEXT.replace('"abc"', "1"),
        TEXT.replace('"abc"', "null").replace("[null]", "null"),
        TEXT.replace('{"index":7,', '{"more":1,"index":7,'),
        TEXT.replace("-0000-", "0000"),
        TEXT.replace(str(UUID(int=5)), "x"),
        TEXT.replace("AAAA", "AA*A", 1),
        TEXT.replace('["AAAA', '[5,"AAAA'),
    ],
)
def test_another_line_is_refused(line: str) -> None:
    with pytest.raises(BundleFileError):
        EventLine.parse(line)


FILES = {"b": b"two", "a": b"one"}
MANIFEST = manifest_text("log.example", FILES)


def test_the_manifest_has_the_lines_of_sha256sum() -> None:
    assert MANIFEST.split("\n")[2] == f"{sha256(b'one')}  a"
    assert parse_manifest(MANIFEST, origin="log.example") == {
        "a": sha256(b"one"),
        "b": sha256(b"two"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "consent-vault/bundle/v1\n",
        MANIFEST.replace("/v1", "/v2"),
        MANIFEST.replace("log.example", "other.example"),
        MANIFEST.replace("  a", " a"),
        MANIFEST.replace("  a\n", "  z\n"),
        MANIFEST.replace("  b\n", "  a\n"),
        MANIFEST.upper(),
        MANIFEST.replace("  a\n", "  a a\n"),
        MANIFEST + "\n",
    ],
)
def test_another_manifest_is_refused(text: str) -> None:
    with pytest.raises(BundleFileError):
        parse_manifest(text, origin="log.example")

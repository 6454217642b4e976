"""Stylesheet and font, under names that carry their content's hash, to be kept for ever."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

FOREVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_HASH_CHARACTERS = 12

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is served."""

    content: bytes
    media_type: str


@cache
def hashed_names() -> dict[str, str]:
    """Name in the folder → name in the address."""
    return {name: _hashed(name, content) for name, content in _folder().items()}


@cache
def served() -> dict[str, StaticFile]:
    """Name in the address → file. Addresses inside a stylesheet are made to match."""
    return {
        hashed_names()[name]: StaticFile(_linked(content, suffix), _TYPES[suffix])
        for name, content in _folder().items()
        for suffix in [_suffix(name)]
    }


def address(name: str) -> str:
    """Where the browser finds a static file."""
    return f"/static/{hashed_names()[name]}"


@router.get("/static/{name}")
async def static_file(name: str) -> Response:
    """A static file by its hashed name."""
    found = served().get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": FOREVER}
    return Response(found.content, media_type=found.media_type, headers=headers)


@cache
def _folder() -> dict[str, bytes]:
    folder = files("service").joinpath("static")
    return {
        item.name: item.read_bytes() for item in folder.iterdir() if _suffix(item.name) in _TYPES
    }


def _hashed(name: str, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()[:_HASH_CHARACTERS]
    suffix = _suffix(name)
    return f"{name.removesuffix(suffix)}.{digest}{suffix}"


def _linked(content: bytes, suffix: str) -> bytes:
    if suffix != ".css":
        return content
    for name, hashed in hashed_names().items():
        content = content.replace(f'url("{name}")'.encode(), f'url("{hashed}")'.encode())
    return content


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2]

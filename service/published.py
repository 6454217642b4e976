"""Answers that caches may keep: for ever, or as long as the source says that they still hold.

RFC 9110 section 8.8.3 (ETag), 13.1.2 (If-None-Match), 12.5.3 (Accept-Encoding); RFC 8246
(immutable).
"""

import gzip
import hashlib
import re

from starlette.requests import Request
from starlette.responses import Response

_FOREVER = "public, max-age=31536000, immutable"
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_REFUSED = re.compile(r"\s*0(\.0{0,3})?\s*")


def immutable(answer: Response) -> Response:
    """What it holds never changes."""
    answer.headers["Cache-Control"] = _FOREVER
    return answer


def tagged(request: Request, answer: Response, *, vary: str | None = None) -> Response:
    """To be asked for again each time; 304 while it is what the caller has already."""
    tag = f'"{hashlib.sha256(bytes(answer.body)).hexdigest()[:32]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if vary is not None:
        headers["Vary"] = vary
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in _TAG.findall(known):
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def compressed(request: Request, answer: Response) -> Response:
    """With gzip for whoever takes it; the same bytes each time."""
    headers = {"Vary": "Accept-Encoding"}
    if not _takes_gzip(request.headers.get("accept-encoding", "")):
        answer.headers.update(headers)
        return answer
    content = gzip.compress(bytes(answer.body), mtime=0)
    headers["Content-Encoding"] = "gzip"
    return Response(content, answer.status_code, headers, answer.media_type)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.split(","):
        coding, _, weight = each.partition(";")
        if coding.strip().lower() == "gzip":
            return not _REFUSED.fullmatch(weight.partition("=")[2])
    return False

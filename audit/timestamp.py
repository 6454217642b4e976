"""Time stamps of checkpoints by an authority outside (RFC 3161): asking for one, verifying one.

A token says that somebody who is not us had the hash of the checkpoint's note before him at that
time: so the whole log up to there is at least as old. Needs the package `rfc3161-client`, which is
looked for only when a token is to be verified. Pure.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from audit.der import (
    BOOLEAN,
    CONTEXT_0,
    NULL,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    Element,
    elements,
    encode,
    inside,
    integer,
    object_identifier,
    whole,
)

if TYPE_CHECKING:
    from rfc3161_client import SignedData, SignerInfo, TimeStampTokenInfo

LARGEST_ANSWER = 65_536
TOLERANCE = timedelta(minutes=1)
"""How far the authority's clock may be from ours."""
TSA_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
"""How an operator may call an authority: it becomes part of addresses and names of files."""
_GRANTED = 0
_VERIFY_ERROR = re.compile(r"Verify error: ?([a-zA-Z' -]{1,100})")
_SHA256 = "2.16.840.1.101.3.4.2.1"


class TimestampError(ValueError):
    """A token that says nothing about this checkpoint; the text says why."""


class UntrustedAuthorityError(TimestampError):
    """Nothing leads from the token's certificate to the roots; nothing was found to be forged."""


class LibraryMissingError(ImportError):
    """The package that verifies tokens is not installed."""


class RootsError(ValueError):
    """The file holds no certificates of roots."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a verified token says."""

    at: datetime
    authority: str
    """The subject of the certificate that has signed (RFC 4514)."""
    policy: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of an authority for one note (RFC 3161 section 2.4.1)."""

    note: bytes
    nonce: int
    policy: str | None = None

    def __bytes__(self) -> bytes:
        sha256 = encode(SEQUENCE, object_identifier(_SHA256), encode(NULL))
        imprint = encode(SEQUENCE, sha256, encode(OCTET_STRING, hashlib.sha256(self.note).digest()))
        policy = b"" if self.policy is None else object_identifier(self.policy)
        with_certificates = encode(BOOLEAN, b"\xff")
        return encode(SEQUENCE, integer(1), imprint, policy, integer(self.nonce), with_certificates)


def parse_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file. Raises RootsError."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise RootsError("holds no certificates in PEM form") from error


def check_answer(
    answer: bytes,
    request: Request,
    roots: Sequence[x509.Certificate],
    *,
    asked_at: datetime,
) -> Stamp:
    """What an answer to our own request says, when it says that it was made just now.

    Raises TimestampError.
    """
    stamp = verify_token(answer, request.note, roots, nonce=request.nonce, policy=request.policy)
    if abs(stamp.at - asked_at) > TOLERANCE:
        raise TimestampError("its time is not ours: one of the two clocks is wrong")
    return stamp


def verify_token(
    answer: bytes,
    note: bytes,
    roots: Sequence[x509.Certificate],
    *,
    nonce: int | None = None,
    policy: str | None = None,
) -> Stamp:
    """What the token in an answer says of this note.

    Its certificates must have been valid when it was made, and may have ended since (RFC 3161
    appendix B). Raises TimestampError (UntrustedAuthorityError for one of them) or
    LibraryMissingError.
    """
    try:
        import rfc3161_client as client
    except ImportError as error:
        raise LibraryMissingError("rfc3161-client is not installed") from error
    if len(answer) > LARGEST_ANSWER:
        raise TimestampError("it is too large")
    try:
        token = client.decode_timestamp_response(sorted_certificates(answer))
        _check_status(token.status)
        _check_info(token.tst_info, note, nonce, policy)
        certificates = [*map(x509.load_der_x509_certificate, token.signed_data.certificates)]
        verifier = client.VerifierBuilder(roots=list(roots)).build()
        try:
            verifier.verify(token, hashlib.sha256(note).digest())
        except client.VerificationError as error:
            raise _refusal(str(error), token.signed_data, certificates, roots) from error
    except TimestampError:
        raise
    except (ValueError, KeyError, x509.InvalidVersion) as error:
        # KeyError: a name in the token is of a kind of text that there is not.
        raise TimestampError("it is no token in the form of RFC 3161") from error
    (signer,) = token.signed_data.signer_infos
    (holder,) = (each for each in certificates if _identity(each) == _identity(signer))
    info = token.tst_info
    return Stamp(info.gen_time, holder.subject.rfc4514_string(), info.policy.dotted_string)


def _identity(named: "x509.Certificate | SignerInfo") -> tuple[x509.Name, int]:
    """IssuerAndSerialNumber (RFC 5652 section 10.2.4)."""
    return named.issuer, named.serial_number


def _check_status(status: int) -> None:
    if status != _GRANTED:
        raise TimestampError(f"the authority has not granted it: status {status}")


def _check_info(
    info: "TimeStampTokenInfo", note: bytes, nonce: int | None, policy: str | None
) -> None:
    imprint = info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256:
        raise TimestampError("it is not about a SHA-256 hash")
    if imprint.message != hashlib.sha256(note).digest():
        raise TimestampError("it is about something else: the hash in it is not the note's")
    if nonce is not None and info.nonce != nonce:
        raise TimestampError("it answers another request: the nonce in it is not ours")
    if policy is not None and info.policy.dotted_string != policy:
        raise TimestampError("it was made under another policy than the one asked for")


def _refusal(
    text: str,
    signed: "SignedData",
    certificates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
) -> TimestampError:
    """What the library found, without the stack of errors of the library under it."""
    issuers = {each.subject: each.issuer for each in certificates}
    reached = {signer.issuer for signer in signed.signer_infos}
    for _ in issuers:  # up by the names of issuers, as far as they go
        reached |= {issuers[name] for name in reached if name in issuers}
    if reached.isdisjoint(root.subject for root in roots):
        return UntrustedAuthorityError("its certificate is under none of the roots named")
    found = _VERIFY_ERROR.search(text)
    if found is not None:
        return TimestampError(f"its certificate is not to be trusted: {found[1]}")
    return TimestampError("it is not signed as RFC 3161 asks")


def sorted_certificates(answer: bytes) -> bytes:
    """The answer with the certificates in the order of DER, which the library insists on.

    OpenSSL and some authorities write them in the order of the chain. They stand outside of what
    is signed (RFC 5652 section 5.1), so their order says nothing. Raises DerError.
    """
    parts = tuple(elements(answer, *_content(whole(answer, SEQUENCE))))
    if len(parts) < 2:
        return answer  # a refusal holds no token
    _, explicit = inside(answer, parts[1], OBJECT_IDENTIFIER, CONTEXT_0)
    (signed_data,) = inside(answer, explicit, SEQUENCE)
    for part in elements(answer, *_content(signed_data)):
        if part.tag == CONTEXT_0:
            found = elements(answer, *_content(part))
            in_order = sorted(answer[each.start : each.end] for each in found)
            return answer[: part.content] + b"".join(in_order) + answer[part.end :]
    return answer


def _content(outer: Element) -> tuple[int, int]:
    return outer.content, outer.end

"""The demo's time-stamping authority (RFC 3161): reads a request, signs a token.

A root of its own and one certificate, made anew at each start; what was stamped before goes on to
verify, since the root's key and name stay.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from audit.der import (
    CONTEXT_0,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    DerError,
    Element,
    elements,
    encode,
    integer,
    object_identifier,
    set_of,
    whole,
)

POLICY = "2.25.274851029384756"
"""An identifier that anybody may make (X.667): it stands for no policy that anybody keeps."""
_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_REJECTION, _BAD_DATA_FORMAT = 2, b"\x02\x04"  # the bit 5 of RFC 3161 section 2.4.2
_YEARS = timedelta(days=3650)


def root_certificate(key: EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """A root for ten years."""
    return (
        _certificate("Demo time root", "Demo time root", key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


@dataclass(frozen=True, slots=True)
class DemoTimestampAuthority:
    """Stamps whatever hash it is asked to."""

    key: EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    @classmethod
    def under(
        cls, root: EllipticCurvePrivateKey, key: EllipticCurvePrivateKey, now: datetime
    ) -> "DemoTimestampAuthority":
        """An authority with a certificate of its own under that root."""
        only_stamps = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        made = (
            _certificate("Demo time", "Demo time root", key, now)
            .add_extension(only_stamps, critical=True)  # RFC 3161 section 2.3
            .sign(root, hashes.SHA256())
        )
        return cls(key, made)

    def answer(self, request: bytes, now: datetime) -> bytes:
        """The answer to a request: a token, or a refusal when it cannot be read."""
        try:
            imprint, nonce = _asked(request)
        except DerError:
            status = encode(SEQUENCE, integer(_REJECTION), encode(0x03, _BAD_DATA_FORMAT))
            return encode(SEQUENCE, status)
        info = _info(imprint, nonce, int(now.timestamp() * 1_000_000), now)
        return encode(SEQUENCE, encode(SEQUENCE, integer(0)), self._token(info))

    def _token(self, info: bytes) -> bytes:
        """SignedData over the TSTInfo (RFC 5652 section 5.1, RFC 3161 section 2.4.2)."""
        sha256 = encode(SEQUENCE, object_identifier(_SHA256))
        attributes = self._attributes(info)
        signature = self.key.sign(set_of(*attributes), ECDSA(hashes.SHA256()))
        signer = encode(
            SEQUENCE,
            integer(1),
            encode(SEQUENCE, self.certificate.issuer.public_bytes(), self._serial),
            sha256,
            set_of(*attributes, tag=CONTEXT_0),
            encode(SEQUENCE, object_identifier(_ECDSA_WITH_SHA256)),
            encode(OCTET_STRING, signature),
        )
        content = encode(CONTEXT_0, encode(OCTET_STRING, info))
        signed = encode(
            SEQUENCE,
            integer(3),
            set_of(sha256),
            encode(SEQUENCE, object_identifier(_TST_INFO), content),
            set_of(self._der, tag=CONTEXT_0),
            set_of(signer),
        )
        return encode(SEQUENCE, object_identifier(_SIGNED_DATA), encode(CONTEXT_0, signed))

    def _attributes(self, info: bytes) -> tuple[bytes, ...]:
        this_one = encode(SEQUENCE, encode(OCTET_STRING, hashlib.sha256(self._der).digest()))
        digest = hashlib.sha256(info).digest()
        return (
            _attribute(_CONTENT_TYPE, object_identifier(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, encode(OCTET_STRING, digest)),
            # RFC 5816: by which certificate, so that no other one of this key can be put there.
            _attribute(_SIGNING_CERTIFICATE_V2, encode(SEQUENCE, encode(SEQUENCE, this_one))),
        )

    @property
    def _der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def _serial(self) -> bytes:
        return integer(self.certificate.serial_number)


def _asked(request: bytes) -> tuple[bytes, bytes]:
    """The message imprint and the nonce, both as they stand there. Raises DerError."""
    outer = whole(request, SEQUENCE)
    parts = list(elements(request, outer.content, outer.end))
    if [each.tag for each in parts[:2]] != [INTEGER, SEQUENCE]:
        raise DerError("not a request")

    def bytes_of(part: Element) -> bytes:
        return request[part.start : part.end]

    nonces = [bytes_of(each) for each in parts[2:] if each.tag == INTEGER]
    return bytes_of(parts[1]), b"".join(nonces[:1])


def _info(imprint: bytes, nonce: bytes, serial: int, at: datetime) -> bytes:
    return encode(
        SEQUENCE,
        integer(1),
        object_identifier(POLICY),
        imprint,
        integer(serial),
        encode(GENERALIZED_TIME, f"{at:%Y%m%d%H%M%S}Z".encode()),
        nonce,
    )


def _attribute(kind: str, value: bytes) -> bytes:
    return encode(SEQUENCE, object_identifier(kind), encode(SET, value))


def _certificate(
    subject: str, issuer: str, key: EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return x509.CertificateBuilder(
        issuer_name=name(issuer),
        subject_name=name(subject),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=1),
        not_valid_after=now + _YEARS,
    )

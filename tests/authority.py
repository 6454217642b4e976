"""Time-stamping authorities for tests: certificates of every kind, and OpenSSL that stamps."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIGURATION = """
[ tsa ]
default_tsa = here
[ here ]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
crypto_device = builtin
"""
ONLY_STAMPS = (ExtendedKeyUsageOID.TIME_STAMPING,)


def new_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


@dataclass(frozen=True)
class Holder:
    """A key with its certificate, which can certify others."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def certified(
    name: str,
    now: datetime,
    issuer: Holder | None = None,
    *,
    days: tuple[int, int] = (-1, 365),
    usages: Sequence[x509.ObjectIdentifier] = (),
    critical: bool = True,
) -> Holder:
    """A root, without an issuer; an authority of certificates, without usages; or one of time."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer_name=subject if issuer is None else issuer.certificate.subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now + timedelta(days=days[0]),
        not_valid_after=now + timedelta(days=days[1]),
    ).add_extension(x509.BasicConstraints(ca=not usages, path_length=None), critical=True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    made = builder.sign(key if issuer is None else issuer.key, hashes.SHA256())
    return Holder(key, made)


@dataclass(frozen=True)
class OpenSslAuthority:
    """`openssl ts` with one certificate and what leads to its root. Its clock is the machine's."""

    folder: Path
    holder: Holder
    chain: tuple[Holder, ...] = ()

    def answer(self, request: bytes) -> bytes:
        self._write()
        (self.folder / "query").write_bytes(request)
        chain = ["-chain", "chain.pem"] if self.chain else []
        self._openssl(
            *("-reply", "-config", "ts.cnf", "-queryfile", "query"),
            *("-inkey", "key.pem", "-signer", "tsa.pem", *chain, "-out", "answer"),
        )
        return (self.folder / "answer").read_bytes()

    def accepts(self, answer: bytes, note: bytes, roots: bytes) -> bool:
        """Whether `openssl ts -verify` finds the answer good."""
        for name, data in (("given", answer), ("note", note), ("roots.pem", roots)):
            (self.folder / name).write_bytes(data)
        done = subprocess.run(
            ["openssl", "ts", "-verify", "-data", "note", "-in", "given", "-CAfile", "roots.pem"],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def _write(self) -> None:
        key = self.holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # In the order that DER does not have.
        chain = sorted(self.chain, key=lambda each: each.certificate.public_bytes(Encoding.DER))
        files = {
            "ts.cnf": _CONFIGURATION.format(folder=self.folder).encode(),
            "serial": b"01\n",
            "key.pem": key,
            "tsa.pem": self.holder.pem,
            "chain.pem": b"".join(each.pem for each in reversed(chain)),
        }
        for name, data in files.items():
            (self.folder / name).write_bytes(data)

    def _openssl(self, *arguments: str) -> None:
        command = ["openssl", "ts", *arguments]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True)

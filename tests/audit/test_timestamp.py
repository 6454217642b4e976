"""Tokens of time-stamping authorities: OpenSSL's, those of the demo's authority, and forged ones.

About time, imprint, nonce and certificates an authority can lie or be wrong in each way; a token
that was changed afterwards is refused at any byte that is signed.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import pytest
import rfc3161_client
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from audit.der import OBJECT_IDENTIFIER, SEQUENCE, encode, integer, object_identifier
from audit.timestamp import (
    LARGEST_ANSWER,
    LibraryMissingError,
    Request,
    RootsError,
    Stamp,
    TimestampError,
    UntrustedAuthorityError,
    check_answer,
    parse_roots,
    sorted_certificates,
    verify_token,
)
from connectors.demo_tsa.authority import POLICY, DemoTimestampAuthority, root_certificate
from tests.authority import ONLY_STAMPS, Holder, OpenSslAuthority, certified, new_key

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NOTE = b"log.example/audit/2026h2\n3\nroot\n\n\xe2\x80\x94 signature\n"
NONCE = 2**63 + 12345
REQUEST = Request(NOTE, NONCE)


@pytest.fixture(scope="module")
def root() -> Holder:
    return certified("Root", NOW)


@pytest.fixture(scope="module")
def authority(root: Holder) -> DemoTimestampAuthority:
    return _authority(certified("Time", NOW, root, usages=ONLY_STAMPS))


def _authority(holder: Holder) -> DemoTimestampAuthority:
    return DemoTimestampAuthority(holder.key, holder.certificate)


def _refusal(answer: bytes, root: Holder, *, note: bytes = NOTE) -> str:
    with pytest.raises(TimestampError) as error:
        verify_token(answer, note, [root.certificate], nonce=NONCE)
    return str(error.value)


@pytest.mark.skipif(which("openssl") is None, reason="needs the program openssl")
class TestOpenSsl:
    """What another implementation stamps, and what it says of ours. Its clock is the real one."""

    def test_a_token_with_its_chain_is_verified_although_the_set_is_not_in_order(
        self, tmp_path: Path
    ) -> None:
        now = datetime.now(UTC)
        root = certified("Root", now)
        between = certified("Between", now, root)
        holder = certified("Time", now, between, usages=ONLY_STAMPS)
        outside = OpenSslAuthority(tmp_path, holder, (between, root))
        answer = outside.answer(bytes(REQUEST))
        with pytest.raises(ValueError, match="InvalidSetOrdering"):
            rfc3161_client.decode_timestamp_response(answer)
        stamp = check_answer(answer, REQUEST, [root.certificate], asked_at=now)
        assert (stamp.authority, stamp.policy) == ("CN=Time", "1.2.3.4.1")
        assert outside.accepts(answer, NOTE, root.pem)
        assert outside.accepts(sorted_certificates(answer), NOTE, root.pem)

    def test_a_token_without_what_leads_to_the_root_is_refused_by_both(
        self, tmp_path: Path
    ) -> None:
        now = datetime.now(UTC)
        root = certified("Root", now)
        between = certified("Between", now, root)
        outside = OpenSslAuthority(tmp_path, certified("Time", now, between, usages=ONLY_STAMPS))
        answer = outside.answer(bytes(REQUEST))
        assert _refusal(answer, root)
        assert not outside.accepts(answer, NOTE, root.pem)

    def test_the_policy_that_is_asked_for_is_the_policy_of_the_token(self, tmp_path: Path) -> None:
        now = datetime.now(UTC)
        root = certified("Root", now)
        outside = OpenSslAuthority(tmp_path, certified("Time", now, root, usages=ONLY_STAMPS))
        asked = Request(NOTE, NONCE, "1.2.3.4.5")
        answer = outside.answer(bytes(asked))
        stamp = check_answer(answer, asked, [root.certificate], asked_at=now)
        assert stamp.policy == "1.2.3.4.5"
        refused = Request(NOTE, NONCE, "1.2.3.4.9")
        answer = outside.answer(bytes(refused))
        with pytest.raises(TimestampError, match="not granted it: status 2"):
            check_answer(answer, refused, [root.certificate], asked_at=now)

    def test_it_accepts_what_the_authority_of_the_demo_has_stamped(
        self, tmp_path: Path, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        outside = OpenSslAuthority(tmp_path, root)
        answer = authority.answer(bytes(REQUEST), datetime.now(UTC))
        assert outside.accepts(answer, NOTE, root.pem)
        assert not outside.accepts(answer, NOTE + b"x", root.pem)

    def test_it_reads_our_request_as_we_mean_it(self, tmp_path: Path) -> None:
        (tmp_path / "query").write_bytes(bytes(Request(NOTE, 2**62, "1.2.3.4")))
        told = subprocess.run(
            ["openssl", "ts", "-query", "-in", "query", "-text"],
            cwd=tmp_path,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for line in (
            "Hash Algorithm: sha256",
            "Policy OID: 1.2.3.4",
            "Nonce: 0x4000000000000000",
            "Certificate required: yes",
        ):
            assert line in told


class TestAnAuthorityThatIsHonest:
    def test_its_token_tells_time_authority_and_policy(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        answer = authority.answer(bytes(REQUEST), NOW)
        found = check_answer(answer, REQUEST, [root.certificate], asked_at=NOW)
        assert found == Stamp(NOW, "CN=Time", POLICY)

    def test_its_token_outlives_its_certificate(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        # Nothing asks for the time of the verification: the certificate was valid at NOW.
        answer = authority.answer(bytes(REQUEST), NOW)
        assert verify_token(answer, NOTE, [root.certificate]).at == NOW

    def test_any_of_several_roots_will_do(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        roots = parse_roots(certified("Another", NOW).pem + root.pem)
        answer = authority.answer(bytes(REQUEST), NOW)
        assert verify_token(answer, NOTE, roots).authority == "CN=Time"

    def test_what_it_stamped_verifies_after_it_has_got_a_new_certificate(self) -> None:
        key = new_key()
        root = root_certificate(key, NOW)
        before = DemoTimestampAuthority.under(key, new_key(), NOW).answer(bytes(REQUEST), NOW)
        later = NOW + timedelta(days=30)
        after = DemoTimestampAuthority.under(key, new_key(), later).answer(bytes(REQUEST), later)
        assert verify_token(before, NOTE, [root]).at == NOW
        assert verify_token(after, NOTE, [root]).at == later

    def test_it_refuses_what_is_no_request(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        for asked in (b"", b"nonsense", encode(SEQUENCE, integer(1)), b"\x30\x80"):
            assert "status 2" in _refusal(authority.answer(asked, NOW), root)


class TestAnAuthorityThatLies:
    @pytest.mark.parametrize("minutes", [-2, 2, -60 * 24, 60 * 24])
    def test_a_time_that_is_not_ours_is_refused(
        self, root: Holder, authority: DemoTimestampAuthority, minutes: int
    ) -> None:
        answer = authority.answer(bytes(REQUEST), NOW + timedelta(minutes=minutes))
        with pytest.raises(TimestampError, match="clock"):
            check_answer(answer, REQUEST, [root.certificate], asked_at=NOW)

    def test_another_nonce_is_refused(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        old = authority.answer(bytes(Request(NOTE, NONCE - 1)), NOW)
        assert "nonce" in _refusal(old, root)

    def test_no_nonce_is_refused(self, root: Holder, authority: DemoTimestampAuthority) -> None:
        asked = bytes(REQUEST).replace(integer(NONCE), b"")
        asked = encode(SEQUENCE, asked[2:])
        assert "nonce" in _refusal(authority.answer(asked, NOW), root)

    def test_another_hash_is_refused(self, root: Holder, authority: DemoTimestampAuthority) -> None:
        other = authority.answer(bytes(Request(NOTE + b"x", NONCE)), NOW)
        assert "something else" in _refusal(other, root)

    def test_another_kind_of_hash_is_refused(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        sha256, sha512 = (object_identifier(f"2.16.840.1.101.3.4.2.{n}") for n in (1, 3))
        asked = bytes(REQUEST).replace(sha256, sha512)
        assert "SHA-256" in _refusal(authority.answer(asked, NOW), root)

    def test_another_policy_than_the_one_asked_for_is_refused(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        asked = Request(NOTE, NONCE, "1.2.3.4")
        answer = authority.answer(bytes(asked), NOW)  # it knows one policy only
        with pytest.raises(TimestampError, match="policy"):
            check_answer(answer, asked, [root.certificate], asked_at=NOW)


class TestCertificates:
    def test_a_root_that_nobody_trusts_is_refused(self, authority: DemoTimestampAuthority) -> None:
        answer = authority.answer(bytes(REQUEST), NOW)
        assert "not to be trusted" in _refusal(answer, certified("Root", NOW))

    def test_an_authority_under_other_roots_is_told_from_a_forged_one(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        answer = authority.answer(bytes(REQUEST), NOW)
        with pytest.raises(UntrustedAuthorityError):
            verify_token(answer, NOTE, [certified("Another", NOW).certificate])
        changed = bytearray(answer)
        changed[-1] ^= 1
        with pytest.raises(TimestampError) as error:
            verify_token(bytes(changed), NOTE, [root.certificate])
        assert not isinstance(error.value, UntrustedAuthorityError)

    @pytest.mark.parametrize(
        ("days", "reason"),
        [((-30, -1), "has expired"), ((1, 30), "is not yet valid")],
        ids=["expired", "not-yet-valid"],
    )
    def test_a_certificate_that_was_not_valid_at_that_time_is_refused(
        self, root: Holder, days: tuple[int, int], reason: str
    ) -> None:
        holder = certified("Time", NOW, root, usages=ONLY_STAMPS, days=days)
        assert reason in _refusal(_authority(holder).answer(bytes(REQUEST), NOW), root)

    def test_an_authority_of_certificates_that_had_expired_is_refused(self) -> None:
        root = certified("Root", NOW, days=(-30, -1))
        holder = certified("Time", NOW, root, usages=ONLY_STAMPS)
        assert "has expired" in _refusal(_authority(holder).answer(bytes(REQUEST), NOW), root)

    @pytest.mark.parametrize(
        ("usages", "critical"),
        [
            ((ExtendedKeyUsageOID.SERVER_AUTH,), True),
            (ONLY_STAMPS, False),
            ((), True),
        ],
        ids=["for-something-else", "not-critical", "for-nothing-said"],
    )
    def test_a_certificate_that_is_not_for_stamping_is_refused(
        self, root: Holder, usages: tuple[x509.ObjectIdentifier, ...], critical: bool
    ) -> None:
        holder = certified("Time", NOW, root, usages=usages, critical=critical)
        _refusal(_authority(holder).answer(bytes(REQUEST), NOW), root)

    def test_a_certificate_by_the_wrong_hand_under_the_right_name_is_refused(
        self, root: Holder
    ) -> None:
        forger = Holder(new_key(), root.certificate)
        holder = certified("Time", NOW, forger, usages=ONLY_STAMPS)
        assert "not to be trusted" in _refusal(_authority(holder).answer(bytes(REQUEST), NOW), root)


class TestWhatWasChangedAfterwards:
    @pytest.mark.parametrize(
        "signed",
        [
            NOW.strftime("%Y%m%d%H%M%SZ").encode(),
            NONCE.to_bytes(8),
            bytes.fromhex("0609608648016503040201"),
            object_identifier(POLICY),
        ],
        ids=["time", "nonce", "hash-algorithm", "policy"],
    )
    def test_no_bit_of_what_it_says_can_be_another(
        self, root: Holder, authority: DemoTimestampAuthority, signed: bytes
    ) -> None:
        answer = authority.answer(bytes(REQUEST), NOW)
        start = answer.index(signed)
        for place in range(start, start + len(signed)):
            for bit in range(8):
                changed = bytearray(answer)
                changed[place] ^= 1 << bit
                with pytest.raises(TimestampError):
                    verify_token(bytes(changed), NOTE, [root.certificate], nonce=NONCE)

    def test_a_changed_byte_is_refused_or_says_nothing_else(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        answer = authority.answer(bytes(REQUEST), NOW)
        honest = verify_token(answer, NOTE, [root.certificate])
        for place in range(len(answer)):
            changed = bytearray(answer)
            changed[place] ^= 0x01
            try:
                found = verify_token(bytes(changed), NOTE, [root.certificate])
            except TimestampError:
                continue
            assert found == honest

    def test_a_changed_signature_is_refused(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        answer = bytearray(authority.answer(bytes(REQUEST), NOW))
        answer[-1] ^= 1
        assert "not signed" in _refusal(bytes(answer), root)

    def test_a_cut_token_is_refused(self, root: Holder, authority: DemoTimestampAuthority) -> None:
        answer = authority.answer(bytes(REQUEST), NOW)
        for end in range(0, len(answer), 7):
            assert _refusal(answer[:end], root)

    def test_a_token_with_something_after_it_is_refused(
        self, root: Holder, authority: DemoTimestampAuthority
    ) -> None:
        assert _refusal(authority.answer(bytes(REQUEST), NOW) + b"\x00", root)

    def test_a_token_without_certificates_is_refused(self, root: Holder) -> None:
        inner = encode(SEQUENCE, integer(1))
        token = encode(SEQUENCE, object_identifier("1.2.840.113549.1.7.2"), encode(0xA0, inner))
        answer = encode(SEQUENCE, encode(SEQUENCE, integer(0)), token)
        assert sorted_certificates(answer) == answer
        assert "RFC 3161" in _refusal(answer, root)

    def test_a_very_large_answer_is_not_read(self, root: Holder) -> None:
        assert "too large" in _refusal(encode(OBJECT_IDENTIFIER, b"x" * LARGEST_ANSWER), root)


def test_roots_are_certificates_in_pem() -> None:
    for data in (b"", b"nothing", b"-----BEGIN CERTIFICATE-----\n"):
        with pytest.raises(RootsError):
            parse_roots(data)


def test_without_the_library_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, root: Holder, authority: DemoTimestampAuthority
) -> None:
    answer = authority.answer(bytes(REQUEST), NOW)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(LibraryMissingError):
        verify_token(answer, NOTE, [root.certificate])

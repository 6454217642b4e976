# /// script
# requires-python = ">=3.11"
# dependencies = ["cryptography>=48", "requests>=2"]
# ///
"""Has the log kept what an answer promised? Checked with nothing of ours but the public log.

    check_promise.py SERVICE PROMISE... [--vkey VKEY]

SERVICE is the service's address; a PROMISE is a file with the value of the header `Event-Promise`
or of the member `event_promise`. VKEY is the log's public key from a source that you trust; without
it the program asks the service itself, and says so. It ends with 1 when a promise was broken: keep
that file, it proves it.

The formats are public: C2SP signed-note, tlog-checkpoint and tlog-proof, RFC 9162 section 2.1.3.2.
"""

import argparse
import base64
import hashlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MERGE_DELAY_SECONDS = 60
Keys = dict[str, Ed25519PublicKey]


def read_keys(lines: list[str]) -> Keys:
    """Ed25519 keys by the bare name of their log, from `<name>+<key id>+<base64 of type, key>`."""
    keys: Keys = {}
    for line in lines:
        name, _, encoded = line.split("+", 2)
        material = base64.b64decode(encoded)
        if material[0] == 0x01:
            keys[bare(name)] = Ed25519PublicKey.from_public_bytes(material[1:])
    return keys


def bare(name: str) -> str:
    """The log's name without its half-year: one key signs all of them."""
    head, _, tail = name.rpartition("/")
    return head if len(tail) >= 6 and tail[:4].isdigit() and tail[4] == "h" else name


def open_note(note: str, keys: Keys) -> str:
    """The text that the log has signed (C2SP signed-note). Raises InvalidSignature."""
    head, _, signatures = note.rpartition("\n\n")
    text = head + "\n"
    for line in signatures.splitlines():
        _, name, encoded = line.split(" ")
        signature = base64.b64decode(encoded)[4:]
        if bare(name) in keys and len(signature) == 64:
            keys[bare(name)].verify(signature, text.encode())
            return text
    raise InvalidSignature


def leaf_hash(commitment: bytes) -> bytes:
    entry = b"consent-vault/event/v1 " + base64.urlsafe_b64encode(commitment).rstrip(b"=")
    return hashlib.sha256(b"\x00" + entry).digest()


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root to which the path leads (RFC 9162 section 2.1.3.2). Raises ValueError."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise ValueError("path too long")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ValueError("path too short")
    return r


def is_proven(proof: str, leaf: bytes, origin: str, keys: Keys) -> bool:
    """Whether the `.tlog-proof` leads from the leaf to a root that the log has signed."""
    head, _, note = proof.partition("\n\n")
    lines = head.splitlines()
    index = int(lines[1].removeprefix("index "))
    signed, size, root = open_note(note, keys).splitlines()
    path = [base64.b64decode(line) for line in lines[2:]]
    found = root_of(leaf, index, int(size), path)
    return bare(signed) == origin and found == base64.b64decode(root)


def is_kept(service: str, file: Path, keys: Keys) -> bool:
    """Ask for the proof until it is there, or until it should be."""
    value = file.read_text().strip()
    note = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    title, origin, event, commitment, at = open_note(note, keys).splitlines()
    if title != "consent-vault/event-promise/v1":
        raise ValueError("not a promise")
    leaf = leaf_hash(base64.b64decode(commitment))
    due = datetime.fromisoformat(at).timestamp() + MERGE_DELAY_SECONDS
    while True:
        answer = requests.get(f"{service}/audit/proof/{event}", timeout=10)
        if answer.ok:
            return is_proven(answer.text, leaf, origin, keys)
        if answer.status_code != 404 or datetime.now(UTC).timestamp() > due:
            return False
        time.sleep(1)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("service", metavar="SERVICE")
    options.add_argument("promises", type=Path, nargs="+", metavar="PROMISE")
    options.add_argument("--vkey", action="append")
    chosen = options.parse_args()
    vkeys = chosen.vkey
    if vkeys is None:
        print("The log's key comes from the service itself: no proof against the service.")
        logs = requests.get(
            f"{chosen.service}/audit/logs", headers={"Accept": "application/json"}, timeout=10
        ).json()
        vkeys = [vkey for log in logs["logs"] for vkey in log["vkeys"]]
    keys = read_keys(vkeys)
    broken = 0
    for file in chosen.promises:
        try:
            kept = is_kept(chosen.service, file, keys)
        except (InvalidSignature, ValueError) as error:
            print(f"{file.name}: not signed by the log, or malformed ({type(error).__name__})")
            kept = False
        print(f"{file.name}: {'kept' if kept else 'NOT KEPT'}")
        broken += not kept
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

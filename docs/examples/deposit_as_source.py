# /// script
# requires-python = ">=3.11"
# dependencies = ["requests-oauth2client==1.8.0"]
# ///
"""A register hands in what it keeps about one person, and may safely try again.

    deposit_as_source.py SOURCE.json [--sign] [--keep FOLDER] < DOCUMENT.json

The document is read from standard input. Whom it is about stands in it, and so in the body of the
request only. The idempotency key is made from the document (draft-ietf-httpapi-idempotency-key-
header): sent again after a broken connection, it has its effect once, and the answer is the same.

With --sign the source's signature comes along: a JWS over the document in canonical JSON (RFC
8785), its payload taken out (RFC 7515 appendix F).
"""

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import requests
from fetch_as_agency import connect, keep_promise
from jwskate import Jwk, JwsCompact
from requests_oauth2client import BearerToken

TRIES = 5


def deposit(issuer: str, token: BearerToken, document: bytes) -> requests.Response:
    """Send the document until there is an answer to it."""
    dataset = json.loads(document)["dataset"]
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{hashlib.sha256(document).hexdigest()}"',
    }
    for attempt in range(TRIES):
        if attempt:
            time.sleep(2**attempt)
        try:
            answer = requests.put(
                f"{issuer}/api/v1/deposits/{dataset}",
                data=document,
                headers=headers,
                auth=token,
                timeout=10,
            )
        except requests.ConnectionError as error:
            print(f"no answer: {type(error).__name__}", file=sys.stderr)
            continue
        if answer.status_code not in {409, 503}:
            return answer
    raise SystemExit("no answer: try again later, with the same document")


def sign(document: bytes, key: Jwk) -> bytes:
    """The document with its signature in it."""
    members = json.loads(document)
    # With names in ASCII and no fractions this is the canonical form of RFC 8785.
    payload = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    jws = JwsCompact.sign(
        payload.encode(), key, alg="ES256", extra_headers={"typ": "deposit+jws", "kid": key.kid}
    )
    head, _, signature = str(jws).split(".")
    return json.dumps(members | {"signature": f"{head}..{signature}"}).encode()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("source", type=Path, metavar="SOURCE.json")
    options.add_argument("--sign", action="store_true", help="sign the document")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the event promises")
    chosen = options.parse_args()
    source = json.loads(chosen.source.read_text())
    client = connect(source | {"redirect_uri": None})
    token = client.client_credentials(
        dpop=True, authorization_details=json.dumps([source["deposit"]])
    )
    document = sys.stdin.buffer.read()
    if chosen.sign:
        document = sign(document, Jwk(source["key"]))
    answer = deposit(source["issuer"], token, document)
    keep_promise(answer, chosen.keep)
    if not answer.ok:
        print(f"refused ({answer.status_code}): {answer.text}")
        return 1
    print(f"kept: {answer.json()['event']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

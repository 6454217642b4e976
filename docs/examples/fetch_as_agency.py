# /// script
# requires-python = ">=3.11"
# dependencies = ["requests-oauth2client==1.8.0"]
# ///
"""An agency asks a person for data, waits for the answer, and fetches what was allowed.

    fetch_as_agency.py AGENCY.json [--open] [--again] [--keep FOLDER]

AGENCY.json holds the service's address, the agency's client id and private key, its redirect URI
and the request to make; `consent-vault demo` writes one for each of its agencies. The program
uses an OAuth library that knows nothing of this service: FAPI 2.0 Security Profile with pushed
requests (RFC 9126), PKCE (RFC 7636), private_key_jwt (RFC 7523), DPoP (RFC 9449) and rich
authorization requests (RFC 9396).
"""

import argparse
import json
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests_oauth2client import (
    AuthorizationRequest,
    AuthorizationResponseError,
    BearerToken,
    OAuth2Client,
    PrivateKeyJwt,
)


def connect(agency: dict[str, Any]) -> OAuth2Client:
    """Read the service's metadata; the assertion's audience is the issuer, as FAPI 2.0 asks."""
    issuer = agency["issuer"]
    return OAuth2Client.from_discovery_endpoint(
        url=f"{issuer}/.well-known/oauth-authorization-server",
        issuer=issuer,
        auth=PrivateKeyJwt(agency["client_id"], agency["key"], aud=issuer),
        redirect_uri=agency["redirect_uri"],
        dpop_bound_access_tokens=True,
        testing=urlsplit(issuer).scheme == "http",  # the demo answers on loopback without TLS
    )


def ask(client: OAuth2Client, details: dict[str, Any]) -> tuple[AuthorizationRequest, str]:
    """Push the request; give it back with the address to send the person to."""
    request = client.authorization_request(scope=None, authorization_details=json.dumps([details]))
    return request, client.pushed_authorization_request(request).uri


def wait_for_answer(redirect_uri: str) -> str:
    """The address with which the person's browser comes back to the agency."""
    came: list[str] = []

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(b"The agency has your answer. You may close this page.\n")

        def log_message(self, *_: object) -> None:
            """Say nothing: the address holds a code."""

    place = urlsplit(redirect_uri)
    with HTTPServer((place.hostname or "127.0.0.1", place.port or 80), Callback) as server:
        while not any(urlsplit(path).path == place.path for path in came):
            server.handle_request()
    return f"{place.scheme}://{place.netloc}{came[-1]}"


def keep_promise(answer: requests.Response, folder: Path | None) -> None:
    """Keep what the answer promised: the log must show this event, or the file proves it a liar."""
    promise = answer.headers.get("Event-Promise")
    if promise is not None and folder is not None:
        event = answer.headers["Consent-Vault-Event"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{event}.promise").write_text(promise + "\n")


def fetch(issuer: str, token: BearerToken, keep: Path | None = None) -> bool:
    """Print every value that the token opens; False when the service refuses."""
    granted = token.authorization_details[0]["datatypes"]
    for dataset in sorted({attribute.split(".")[0] for attribute in granted}):
        answer = requests.get(f"{issuer}/api/v1/data/{dataset}", auth=token, timeout=10)
        keep_promise(answer, keep)
        if not answer.ok:
            print(f"refused ({answer.status_code}): {answer.text}")
            return False
        for attribute, fact in answer.json()["attributes"].items():
            print(f"{attribute}: {fact['value']}  ({fact['source']}, {fact['observed_at']})")
    return True


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("agency", type=Path, metavar="AGENCY.json")
    options.add_argument("--open", action="store_true", help="open the person's browser here")
    options.add_argument("--again", action="store_true", help="fetch again at each Enter")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the event promises")
    chosen = options.parse_args()
    agency = json.loads(chosen.agency.read_text())
    client = connect(agency)
    request, address = ask(client, agency["request"])
    print(f"Send the person to {address}", flush=True)
    print("It opens for 90 seconds. Waiting for the answer; Ctrl+C stops.", file=sys.stderr)
    if chosen.open:
        webbrowser.open(address)
    try:
        answer = request.validate_callback(wait_for_answer(agency["redirect_uri"]))
    except AuthorizationResponseError as error:
        print(f"not given: {error.error}")
        return 1
    token = client.authorization_code(answer, dpop=True)
    fetched = fetch(agency["issuer"], token, chosen.keep)
    while fetched and chosen.again:
        input("Press Enter to fetch once more, Ctrl+D to end: ")
        fetched = fetch(agency["issuer"], token, chosen.keep)
    return 0 if fetched else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EOFError, KeyboardInterrupt):
        print()

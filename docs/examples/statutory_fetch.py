# /// script
# requires-python = ">=3.11"
# dependencies = ["requests-oauth2client==1.8.0"]
# ///
"""An authority fetches what the law lets it have; the person sees it in her log as "by law".

    statutory_fetch.py AGENCY.json [--keep FOLDER]

The person's identity code is read from standard input, so that it stands in no command line,
history or address. It goes once, in the body of the token request (RFC 9396 inside
client_credentials, RFC 6749 section 4.4); the token itself says nothing about the person.
"""

import argparse
import getpass
import json
import sys
from pathlib import Path

from fetch_as_agency import connect, fetch

FINNISH_IDENTITY_CODE = "urn:oid:1.2.246.21"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("agency", type=Path, metavar="AGENCY.json")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the event promises")
    chosen = options.parse_args()
    agency = json.loads(chosen.agency.read_text())
    code = getpass.getpass("Identity code: ") if sys.stdin.isatty() else sys.stdin.readline()
    subject = {"format": "national_id", "scheme": FINNISH_IDENTITY_CODE, "id": code.strip()}
    details = agency["statutory_request"] | {"subject": subject}
    client = connect(agency)
    token = client.client_credentials(dpop=True, authorization_details=json.dumps([details]))
    return 0 if fetch(agency["issuer"], token, chosen.keep) else 1


if __name__ == "__main__":
    sys.exit(main())

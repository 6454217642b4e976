"""Requests with canaries in every odd place: wrong ones, and right ones where nobody looks."""

import json
from collections.abc import Iterator

from service.exchange import Call
from tests.faults.canary import CODE, FAMILY, GIVEN
from tests.service.office import BY_LAW, DETAILS, PUSHED, Office, Program
from vault.people import IDENTITY_SCHEME


def by_law(office: Office, subject: str | dict[str, str], **changed: object) -> Call:
    named = {"format": "national_id", "scheme": IDENTITY_SCHEME, "id": subject}
    details = BY_LAW | {"subject": subject if isinstance(subject, dict) else named} | changed
    form = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([details]),
    }
    return office.authority.form("/oauth/token", form)


def wrong(office: Office, token: str) -> tuple[Call, ...]:
    """Each of them is refused; `token` is a good one."""
    program = office.program
    return (
        *_wrong_forms(program),
        by_law(office, CODE, purpose=FAMILY),
        by_law(office, CODE, datatypes=[GIVEN]),
        by_law(office, CODE, case=CODE),
        by_law(office, {"format": "national_id", "scheme": GIVEN, "id": CODE}),
        by_law(office, {"format": GIVEN, "id": CODE}),
        program.get("/api/v1/data/income", GIVEN),
        program.get(f"/api/v1/data/{GIVEN}", token),
        program.get(f"/api/v1/data/{CODE}", token),
        program.get(f"/audit/proof/{CODE}", token),
        program.get("/api/v1/data/income", token, proofs=[GIVEN]),
        program.get("/api/v1/data/income", token, proofs=[_odd_proof(program, token)]),
        Call("GET", f"/audit/tile/{GIVEN}", []),
    )


def _odd_proof(program: Program, token: str) -> str:
    return program.proof("GET", f"/{GIVEN}", access_token=token, jti=CODE)


def _wrong_forms(program: Program) -> Iterator[Call]:
    details = (
        {"purpose": FAMILY},
        {"datatypes": [GIVEN]},
        {"case": CODE},
        {CODE: GIVEN},
        {"uses": CODE},
    )
    for each in details:
        wrong = {"authorization_details": json.dumps([DETAILS | each])}
        yield program.form("/oauth/par", PUSHED | wrong)
    for name in (
        "redirect_uri",
        "code_challenge",
        "response_type",
        "scope",
        "resource",
        "client_id",
    ):
        yield program.form("/oauth/par", PUSHED | {name: f"https://agency.example/{CODE}{GIVEN}"})
    yield program.form("/oauth/par", PUSHED | {"client_assertion": f"{GIVEN}.{FAMILY}.{CODE}"})
    yield program.form("/oauth/par", PUSHED | {"client_assertion": program.assertion(sub=CODE)})
    yield program.form("/oauth/par", PUSHED | {"client_assertion": program.assertion(aud=GIVEN)})
    yield program.form("/oauth/token", {"grant_type": FAMILY})
    yield program.form(
        "/oauth/token", {"grant_type": "authorization_code", "code": GIVEN, "code_verifier": CODE}
    )
    yield program.form("/oauth/token", {"grant_type": "refresh_token", "refresh_token": CODE})


def odd_but_right(program: Program, token: str) -> Iterator[Call]:
    """What works, with canaries where nobody looks."""
    odd = {"client_assertion": program.assertion(jti=CODE), GIVEN: FAMILY}
    yield program.form("/oauth/par", PUSHED | odd)
    proof = program.proof("GET", "/api/v1/data/income", access_token=token, jti=GIVEN)
    call = program.get("/api/v1/data/income", token, proofs=[proof])
    headers = [(name, CODE.encode()) for name in (b"user-agent", b"referer", b"x-forwarded-for")]
    yield Call(
        call.method,
        "/api/v1/data",
        call.headers[:1]
        + headers
        + [
            (b"dpop", program.proof("GET", "/api/v1/data", access_token=token, jti=FAMILY).encode())
        ],
    )
    yield program.form("/oauth/revoke", {"token": GIVEN})
    yield program.form("/oauth/introspect", {"token": CODE})

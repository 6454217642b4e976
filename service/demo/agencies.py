"""The demo's agencies: their clients, their keys, and what each of them asks for.

Each gets a file with everything that its program needs, which the examples in `docs/` read.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from audit.unit_of_work import UnitOfWork
from consent.clients import Client, register_client
from policies.catalogue import Catalogue
from policies.ids import OrganisationId, PurposeId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LegalBasis
from service.demo import sources
from service.demo.folder import DemoFolder
from service.demo.ports import AGENCY, HOST, PROGRAM

CALLBACK = "/callback"


@dataclass(frozen=True, slots=True)
class DemoAgency:
    """One organisation with a program that may ask."""

    organisation: OrganisationId
    asks: PurposeId
    """The purpose of its requests to people."""
    by_law: PurposeId | None = None

    @property
    def client_id(self) -> str:
        return f"{self.organisation}-demo"


AGENCIES = (
    DemoAgency(
        OrganisationId("kela"),
        PurposeId("kela-unemployment-benefit"),
        PurposeId("kela-income-check"),
    ),
    DemoAgency(OrganisationId("employment-services"), PurposeId("employment-service-plan")),
    DemoAgency(
        OrganisationId("city-social"),
        PurposeId("city-housing-support"),
        PurposeId("city-social-assistance"),
    ),
    DemoAgency(OrganisationId("debt-counsel"), PurposeId("debt-advice")),
    DemoAgency(OrganisationId("clinic-koivu"), PurposeId("clinic-diabetes-care")),
    DemoAgency(OrganisationId("food-authority"), PurposeId("food-business-notice")),
    DemoAgency(OrganisationId("bank-example"), PurposeId("bank-loan-offer")),
)


def agency(organisation: str) -> DemoAgency:
    """The agency of this organisation; `KeyError` when there is none."""
    return {each.organisation: each for each in AGENCIES}[OrganisationId(organisation)]


def register(
    uow: UnitOfWork, folder: DemoFolder, catalogue: Catalogue, asking: DemoAgency
) -> Client:
    """Make the agency's key, register its client and write the file of its program.

    The file is there before the registration commits, so that no key is ever lost.
    """
    key = generate_private_key(SECP256R1())
    private = ECAlgorithm.to_jwk(key, as_dict=True) | {"kid": "demo-1", "alg": "ES256"}
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    registered = register_client(
        uow, _metadata(asking, public | {"kid": "demo-1", "alg": "ES256"}, catalogue), catalogue
    )
    content: dict[str, Any] = {
        "organisation": asking.organisation,
        "name": catalogue.organisation(asking.organisation).name.en,
        "client_id": asking.client_id,
        "key": private,
        "request": details(catalogue.purpose(asking.asks)),
    }
    if asking.by_law is not None:
        content["statutory_request"] = details(catalogue.purpose(asking.by_law))
    folder.write(_file(asking), content)
    return registered


def place(folder: DemoFolder, *, issuer: str, program_port: int, page_port: int) -> None:
    """Tell every agency's program where the service and its own page answer this time."""
    now = {
        "issuer": issuer,
        "redirect_uri": redirect_uri(program_port),
        "page": redirect_uri(page_port).removesuffix(CALLBACK),
    }
    for each in AGENCIES:
        folder.write(_file(each), read(folder, each) | now)
    if (folder.path / sources.FILE).exists():  # a demo of an earlier day has none
        of_source = json.loads((folder.path / sources.FILE).read_text())
        folder.write(sources.FILE, of_source | {"issuer": issuer})


def read(folder: DemoFolder, asking: DemoAgency) -> dict[str, Any]:
    """The agency's file."""
    content: dict[str, Any] = json.loads((folder.path / _file(asking)).read_text())
    return content


def details(declaration: PurposeDeclaration) -> dict[str, Any]:
    """Authorization details that ask for everything that the purpose may have."""
    asked: dict[str, Any] = {
        "type": "personal_data",
        "actions": ["read"],
        "datatypes": [each.id for each in declaration.attributes],
        "purpose": declaration.id,
    }
    if declaration.basis is not LegalBasis.CONSENT:
        asked["case"] = "DEMO-2026-001"
    return asked


def redirect_uri(port: int) -> str:
    """Where an answer comes back to."""
    return f"http://{HOST}:{port}{CALLBACK}"


def verifier(key: Mapping[str, str], state: str) -> str:
    """A PKCE verifier that the agency can make again from the state (RFC 7636 section 4.1)."""
    mac = hmac.new(key["d"].encode(), b"verifier\x00" + state.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _file(asking: DemoAgency) -> str:
    return f"agencies/{asking.organisation}.json"


def _metadata(
    asking: DemoAgency, key: Mapping[str, Any], catalogue: Catalogue
) -> dict[str, object]:
    grants = ["authorization_code", "refresh_token"]
    return {
        "client_id": asking.client_id,
        "client_name": catalogue.organisation(asking.organisation).name.en,
        "organisation": asking.organisation,
        "redirect_uris": [redirect_uri(port) for port in (*AGENCY, *PROGRAM)],
        "grant_types": grants if asking.by_law is None else [*grants, "client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "dpop_bound_access_tokens": True,
        "jwks": {"keys": [dict(key)]},
    }

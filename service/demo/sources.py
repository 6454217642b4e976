"""The demo's source: a program of the incomes register, which hands in what it keeps.

It gets a file with everything that its program needs, beside those of the agencies.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from audit.unit_of_work import UnitOfWork
from consent.clients import Client, register_client
from policies.catalogue import Catalogue
from policies.ids import ClientId, OrganisationId
from service.demo.folder import DemoFolder

SOURCE = OrganisationId("tax-admin")
CLIENT = ClientId(f"{SOURCE}-demo")
FILE = f"agencies/{SOURCE}.json"


def register(uow: UnitOfWork, folder: DemoFolder, catalogue: Catalogue) -> Client:
    """Make the source's key, register its client and write the file of its program.

    The file is there before the registration commits, so that no key is ever lost.
    """
    key = generate_private_key(SECP256R1())
    named = {"kid": "demo-1", "alg": "ES256"}
    name = catalogue.organisation(SOURCE).name.en
    registered = register_client(
        uow,
        {
            "client_id": CLIENT,
            "client_name": name,
            "organisation": SOURCE,
            "grant_types": ["client_credentials"],
            "authorization_details_types": ["deposit"],
            "token_endpoint_auth_method": "private_key_jwt",
            "dpop_bound_access_tokens": True,
            "jwks": {"keys": [ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | named]},
        },
        catalogue,
    )
    content: dict[str, Any] = {
        "organisation": SOURCE,
        "name": name,
        "client_id": CLIENT,
        "key": ECAlgorithm.to_jwk(key, as_dict=True) | named,
        "deposit": {"type": "deposit", "datatypes": ["income"]},
    }
    folder.write(FILE, content)
    return registered

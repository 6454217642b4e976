"""Sign-in from end to end: relying party and provider on real sockets, and each thing forged."""

from connectors.ports import IDENTITY_CODE_SCHEME
from policies.vocabulary import LevelOfAssurance
from tests.connectors.conftest import Peers


def test_a_person_signs_in(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    assertion = peers.provider.finish(
        peers.signed_in(start), start, loa=LevelOfAssurance.SUBSTANTIAL, now=peers.clock()
    )
    assert assertion.subject_ids == ((IDENTITY_CODE_SCHEME, "030400A9261"),)
    assert assertion.name == "Aino Maria Esimerkki"
    assert assertion.loa is LevelOfAssurance.HIGH
    assert assertion.issuer == peers.issuer
    assert assertion.auth_time == peers.clock()
    assert not assertion.protected

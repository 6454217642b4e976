"""Authentication context classes (`acr`) and the levels of assurance that they mean."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.vocabulary import LevelOfAssurance

FTN_SUBSTANTIAL = "http://ftn.ficora.fi/2017/loa2"
FTN_HIGH = "http://ftn.ficora.fi/2017/loa3"
EIDAS_SUBSTANTIAL = "http://eidas.europa.eu/LoA/substantial"
EIDAS_HIGH = "http://eidas.europa.eu/LoA/high"

ACR_LEVELS: Mapping[str, LevelOfAssurance] = MappingProxyType(
    {
        FTN_SUBSTANTIAL: LevelOfAssurance.SUBSTANTIAL,
        FTN_HIGH: LevelOfAssurance.HIGH,
        EIDAS_SUBSTANTIAL: LevelOfAssurance.SUBSTANTIAL,
        EIDAS_HIGH: LevelOfAssurance.HIGH,
    }
)
"""The Finnish trust network's and the eIDAS regulation's names. Their test levels are not here:
a provider's pre-production sign-in must never open the production vault."""

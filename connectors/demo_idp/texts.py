"""What the provider's pages say."""

from policies.text import Text
from policies.vocabulary import Language, LevelOfAssurance

LANGUAGE_NAMES = {Language.FI: "Suomi", Language.SV: "Svenska", Language.EN: "English"}

_TEXTS = {
    "title": Text(
        fi="Esittelyn tunnistautuminen",
        sv="Identifiering för demonstration",
        en="Demo identification",
    ),
    "label": Text(
        fi="Tämä on esittely. Tämä ei ole oikea tunnistuspalvelu.",
        sv="Det här är en demonstration. Det här är ingen riktig identifieringstjänst.",
        en="This is a demo. This is not a real identification service.",
    ),
    "invented": Text(
        fi="Kaikki henkilöt ovat keksittyjä. Valitse, kenenä haluat jatkaa.",
        sv="Alla personer är påhittade. Välj vem du vill fortsätta som.",
        en="All the people are invented. Choose who you want to be.",
    ),
    "level": Text(
        fi="Valitse myös tunnistautumisen taso: terveystiedot vaativat korkean tason.",
        sv="Välj också nivå på identifieringen: hälsouppgifter kräver hög nivå.",
        en="Choose the level of identification too: health data needs the high level.",
    ),
    "spent": Text(
        fi="Kirjautumislinkki on jo käytetty tai vanhentunut. Voit valita henkilön tästä.",
        sv="Inloggningslänken har redan använts eller är för gammal. Du kan välja en person här.",
        en="The sign-in link has already been used or is too old. You can choose a person here.",
    ),
    "cancel": Text(fi="Keskeytä", sv="Avbryt", en="Cancel"),
    "languages": Text(fi="Kieli", sv="Språk", en="Language"),
    "faulty": Text(
        fi="Tunnistautumista ei voi jatkaa. Palaa palveluun ja aloita alusta.",
        sv="Identifieringen kan inte fortsätta. Gå tillbaka till tjänsten och börja om.",
        en="The identification cannot go on. Return to the service and start again.",
    ),
}
_CHOICES = {
    LevelOfAssurance.SUBSTANTIAL: Text(
        fi="Jatka korotetulla tasolla",
        sv="Fortsätt på väsentlig nivå",
        en="Continue at substantial level",
    ),
    LevelOfAssurance.HIGH: Text(
        fi="Jatka korkealla tasolla", sv="Fortsätt på hög nivå", en="Continue at high level"
    ),
}


def in_language(language: Language) -> dict[str, str]:
    """All texts by their names."""
    return {name: text.in_language(language) for name, text in _TEXTS.items()}


def choice(level: LevelOfAssurance, language: Language) -> str:
    """What the link says that signs in at this level; `levels.ACR_LEVELS` has no lower one."""
    return _CHOICES[level].in_language(language)

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
        fi="Samalla valitset tunnistautumisen tason.",
        sv="Samtidigt väljer du nivå på identifieringen.",
        en="You choose the level of identification at the same time.",
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
_LEVELS = {
    LevelOfAssurance.LOW: Text(fi="Matala taso", sv="Låg nivå", en="Low level"),
    LevelOfAssurance.SUBSTANTIAL: Text(
        fi="Korotettu taso", sv="Väsentlig nivå", en="Substantial level"
    ),
    LevelOfAssurance.HIGH: Text(fi="Korkea taso", sv="Hög nivå", en="High level"),
}


def in_language(language: Language) -> dict[str, str]:
    """All texts by their names."""
    return {name: text.in_language(language) for name, text in _TEXTS.items()}


def level_name(level: LevelOfAssurance, language: Language) -> str:
    return _LEVELS[level].in_language(language)

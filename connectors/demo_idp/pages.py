"""The provider's two pages, in three languages."""

from collections.abc import Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from connectors.demo_data.people import DemoPerson
from connectors.demo_idp import texts
from policies.vocabulary import Language, LevelOfAssurance


def chooser(
    language: Language,
    handle: str,
    people: Sequence[DemoPerson],
    levels: Sequence[LevelOfAssurance],
    *,
    spent_ticket: bool,
) -> str:
    """The page on which an invented person is chosen."""
    return _template("chooser.html").render(
        language=language,
        text=texts.in_language(language),
        handle=handle,
        people=[(person, person.story.in_language(language)) for person in people],
        levels=[(level.name.lower(), texts.choice(level, language)) for level in levels],
        languages=[(other, texts.LANGUAGE_NAMES[other]) for other in Language],
        spent_ticket=spent_ticket,
    )


def faulty(language: Language) -> str:
    """The page for a request that cannot be answered anywhere else."""
    return _template("faulty.html").render(
        language=language, texts=[(other, texts.in_language(other)) for other in Language]
    )


@cache
def _template(name: str) -> Template:
    source = resources.files("connectors.demo_idp").joinpath(name).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(source)

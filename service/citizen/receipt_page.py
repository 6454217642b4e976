"""The receipt as one page to read, print and keep: made of the signed receipt, and of nothing else
than it needs in order to say the same in words. It names the digest of the file that it is of.
"""

from dataclasses import dataclass

from consent.exchange.source import Source
from consent.receipt_content import ReceiptContent
from consent.receipt_jws import digest_of
from policies.ids import AttributeId
from policies.vocabulary import Language
from service.citizen.receipt_proof import Place
from service.pages import environment
from service.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedReceipt:
    """What the page shows."""

    content: ReceiptContent
    granted: tuple[str, ...]
    refused: tuple[str, ...]
    address: str
    storage_locations: tuple[str, ...]
    articles: str
    place: Place | None
    digest: str
    vkey: str


def receipt_page(runtime: Runtime, source: Source, place: Place | None, language: Language) -> str:
    """The page, which stands alone."""
    content = source.content

    def name(attribute: AttributeId) -> str:
        known = source.catalogue.attributes.get(attribute)
        return attribute if known is None else known.name.in_language(language)

    printed = PrintedReceipt(
        content=content,
        granted=tuple(map(name, content.granted)),
        refused=tuple(map(name, content.refused)),
        address=source.address,
        storage_locations=source.storage_locations,
        articles=", ".join(map(_article, content.rights)),
        place=place,
        digest=digest_of(source.jws),
        # By the log's bare name, which stands for all its half-years.
        vkey=runtime.log_signers.base_signers[0].vkey,
    )
    return environment(language).get_template("citizen/receipt_file.html").render(receipt=printed)


def _article(name: str) -> str:
    """An article and its paragraph as laws are cited."""
    article, _, paragraph = name.partition("-")
    return f"{article}({paragraph})" if paragraph else article

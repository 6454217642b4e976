"""Dates, times, spans and values as people in Finland write them.

Unicode CLDR by Babel, with two corrections: English takes the Finnish region's forms (`en_FI`),
and Swedish takes Finland's customs, for which CLDR has only Sweden's. Times are shown in Finnish
time, for UTC tells a citizen nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal

from policies.entries import Attribute, ValueType
from policies.facts import Value
from policies.vocabulary import Language
from service.i18n import N_, texts

ZONE = ZoneInfo("Europe/Helsinki")
_LOCALES = {Language.FI: "fi_FI", Language.SV: "sv_FI", Language.EN: "en_FI"}
_SHORT_DATES = {Language.FI: "d.M.y", Language.SV: "d.M.y", Language.EN: "d/M/y"}
_TIMES = {Language.FI: "'klo' H.mm", Language.SV: "'kl.' H.mm", Language.EN: "H.mm"}
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Formats:
    """The forms of one language."""

    language: Language

    @property
    def locale(self) -> str:
        return _LOCALES[self.language]

    def day(self, moment: datetime | date) -> str:
        """A date in figures: 24.11.2026."""
        return format_date(_local(moment), _SHORT_DATES[self.language], locale=self.locale)

    def long_day(self, moment: datetime | date) -> str:
        """A date with the month in letters."""
        pattern = "d. MMMM y" if self.language is Language.FI else "d MMMM y"
        return format_date(_local(moment), pattern, locale=self.locale)

    def time(self, moment: datetime) -> str:
        return format_time(moment.astimezone(ZONE), _TIMES[self.language], locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """Date and time."""
        return f"{self.day(moment)} {self.time(moment)}"

    def span(self, length: timedelta) -> str:
        """A length of time in its largest fitting unit: 3 months."""
        smallest: Literal["day", "minute"] = "minute" if length < _A_DAY else "day"
        return format_timedelta(length, granularity=smallest, threshold=1.2, locale=self.locale)

    def ago(self, moment: datetime, now: datetime) -> str:
        """How long ago: 3 days ago."""
        back = moment - now
        return format_timedelta(
            min(back, timedelta(0)), granularity="minute", add_direction=True, locale=self.locale
        )

    def age(self, observed_at: datetime, now: datetime) -> str:
        """How old a fact is; for one of today, that it is of today."""
        if now - observed_at < _A_DAY:
            return texts(self.language).gettext(N_("today"))
        return self.ago(observed_at, now)

    def count(self, number: int) -> str:
        return format_decimal(number, locale=self.locale)

    def value(self, value: Value, attribute: Attribute) -> str:
        """A value as its attribute's type and unit say."""
        match value:
            case bool():
                return texts(self.language).gettext(N_("yes") if value else N_("no"))
            case int() if attribute.type is ValueType.MONEY_CENTS:
                return format_currency(Decimal(value) / 100, "EUR", locale=self.locale)
            case int():
                return self._quantity(value, attribute)
            case str() if attribute.type is ValueType.DATE:
                return self.day(date.fromisoformat(value))
            case str() if attribute.type is ValueType.INSTANT:
                return self.moment(datetime.fromisoformat(value))
            case str():
                return value
            case _:
                return ", ".join(value)

    def _quantity(self, value: int, attribute: Attribute) -> str:
        number = Decimal(value).scaleb(-attribute.decimals)
        pattern = "#,##0" + ("." + "0" * attribute.decimals if attribute.decimals else "")
        text = format_decimal(number, format=pattern, locale=self.locale)
        return f"{text} {attribute.unit}" if attribute.unit else text


def _local(moment: datetime | date) -> datetime | date:
    return moment.astimezone(ZONE) if isinstance(moment, datetime) else moment

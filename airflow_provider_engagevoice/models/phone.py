"""The text of phone numbers, and the countries that campaigns dial."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from airflow_provider_engagevoice.inputs import InvalidInputError

# Compiled at first use: DAG files are parsed over and over.
_SCIENTIFIC = r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+"
_FORMULA = r"[=@]|[+-]\s*[^\W\d_]"
_EXTENSION = r"\d[\s.,;]*(ext|x|#)"
_DECIMAL = r"([1-9]\d*)[.,](\d+)"
#: A fraction of zeros behind anything but a whole number, such as a number with spaces.
_DECIMAL_TAIL = r"[^.]*\.\s*0+|.*\.\s*0"
_BETWEEN = r"\s?[-./]\s?"
_DATES = (
    rf"(?P<y>(?:19|20)\d\d)(?:{_BETWEEN}| )(?P<a>\d\d?)(?:{_BETWEEN}| )(?P<b>\d\d?)",
    rf"(?P<a>\d\d?)(?:{_BETWEEN}| )(?P<b>\d\d?)(?:{_BETWEEN}| )(?P<y>(?:19|20)\d\d)",
    rf"(?P<a>\d\d?){_BETWEEN}(?P<b>\d\d?){_BETWEEN}(?P<y>\d\d)",
)
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-3])[0-5][0-9]"
#: Digits of a day, also with a time: 20260724, 24072026, 07242026, 20260724120000.
_DATE_DIGITS = (
    f"{_YEAR}{_MONTH}{_DAY}(?:{_CLOCK}(?:[0-5][0-9])?)?|{_DAY}{_MONTH}{_YEAR}|{_MONTH}{_DAY}{_YEAR}"
)
_MONTH_NAME = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY_NUMBER = r"(?:0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th)?"
_ASIDE = r"[\s,./-]{0,3}"
_NAMED_DATE = (
    rf"(?:(?:{_DAY_NUMBER}{_ASIDE}{_MONTH_NAME}|{_MONTH_NAME}{_ASIDE}{_DAY_NUMBER})(?:{_ASIDE}(?:{_YEAR}|'?[0-9]{{2}}))?"
    rf"|{_YEAR}{_ASIDE}{_MONTH_NAME}{_ASIDE}{_DAY_NUMBER})"
)
_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?[\s,.]{1,3}"
_TIME_OF_DAY = (
    r"(?:t|[\s,]{1,3})[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
    r"(?:\s?[ap]\.?m\.?)?(?:\s?(?:z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}))?"
)
_DATE_AROUND = rf"(?:{_WEEKDAY})?(?P<day>.*?)(?:{_TIME_OF_DAY})?"
#: A longer text has more than a date.
_LONGEST_DATE = 60
_NUMBER = r"[(\[\s]*\+?[(\[\s]*\d[\d\s()\[\]./-]*"
NOT_A_PHONE = "not a phone number; write digits, such as 4155550123 or +442071838750"
A_DATE = "a date, not a phone number; give the phone"
#: As many digits are no phone.
_FEW_DIGITS = 4
_PHONE_IN_TEXT = r"\+?\d(?:[ ().-]{0,2}\d){8,}"
#: What is before numbers in some lists: a spreadsheet's mark of text, and Facebook's of phones.
_BEFORE = r"^\s*['\u2018\u2019]?\s*([pP]:(?=[\s+(]*\d))?"
_INVISIBLE = "\u200b"
_IN_ASCII = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    **dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"), "\n"),
}


class BadNumberError(ValueError):
    """A value is not a phone number that can be dialed. The message is the reason, without the value."""


def plain_text(text: str) -> str:
    """Return text stripped, with digits and punctuation in ASCII and without what is around a number.

    That is an apostrophe, Facebook's ``p:`` and invisible characters. Between digits these may separate two
    numbers, so they become a space.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_plain, text))
        text = re.sub(rf"(?<=[0-9]){_INVISIBLE}+(?=[0-9])", " ", text).replace(_INVISIBLE, "")
    return re.sub(_BEFORE, "", text).strip()


@lru_cache
def _plain(char: str) -> str:
    """Return a character in ASCII, as far as it means the same."""
    # Not needed for text in ASCII: DAG files with caller IDs are parsed over and over.
    from airflow_provider_engagevoice.characters import is_invisible

    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if is_invisible(char):
        return _INVISIBLE
    # A raised or circled digit is that of a footnote or a list.
    return char if char.isnumeric() else unicodedata.normalize("NFKC", char).translate(_IN_ASCII)


def number_text(text: str) -> tuple[str, bool]:
    """Return the text of a number, and whether it is a decimal number, which has no leading zeros.

    The result has digits, spaces and ``()[]./-``, and may have a ``+`` in front.

    :raises BadNumberError: if the text is not a number, or is as likely something else: a date, an amount
    """
    text = plain_text(text)
    try:
        return _number_text(text)
    except BadNumberError:
        if reads_as_date(text):
            raise BadNumberError(A_DATE) from None
        raise


def _number_text(text: str) -> tuple[str, bool]:
    if re.fullmatch(_SCIENTIFIC, text):
        raise BadNumberError("scientific notation: digits are lost; write it as text")
    if re.match(_FORMULA, text):
        raise BadNumberError("a formula, not a number; write its value")
    if decimal := re.fullmatch(_DECIMAL, text):
        if decimal[2].strip("0"):
            raise BadNumberError("a decimal number, not a phone number; write digits alone")
        return decimal[1], True
    if re.search(_EXTENSION, text, re.IGNORECASE):
        raise BadNumberError("the number has an extension, which the dialer cannot dial; remove it")
    if any(map(str.isalpha, text[:250])):
        raise BadNumberError("the number contains letters; write digits alone")
    if re.fullmatch(_DECIMAL_TAIL, text, re.DOTALL):
        raise BadNumberError("the number ends like a decimal number; remove the decimal places")
    if not re.fullmatch(_NUMBER, text):
        raise BadNumberError(NOT_A_PHONE)
    if is_date(text):
        raise BadNumberError(A_DATE)
    return text, False


def masked(value: object) -> str:
    """Return a cell for phones for a message: ``***23`` of a phone, ``***`` of text, few digits as is."""
    text = str(value)[:100].strip()
    digits = [char for char in text if char.isdigit()]
    if any(map(str.isalpha, text)) and (len(digits) > _FEW_DIGITS or not text.startswith("=")):
        # The last digits are not those of a phone: 4.15555E+09, 415-555-0123 x12.
        return "***"
    return f"***{''.join(digits[-2:])}" if len(digits) > _FEW_DIGITS else text


def hide_phones(text: str) -> str:
    """Return a text for a message, with the last two digits at most of each phone in it."""
    return re.sub(_PHONE_IN_TEXT, lambda found: masked(found[0]), text)


def is_date(text: str) -> bool:
    """Return whether a text of digits and punctuation is the date of a day."""
    for pattern in _DATES:
        if found := re.fullmatch(pattern, text):
            numbers = int(found["a"]), int(found["b"])
            if 1 <= min(numbers) <= 12 and 1 <= max(numbers) <= 31:
                return True
    return False


def reads_as_date(text: str) -> bool:
    """Return whether a text that is refused as a phone is a date: in digits or words, perhaps with a time."""
    if len(text) > _LONGEST_DATE:
        return False
    found = re.fullmatch(_DATE_AROUND, text, re.IGNORECASE | re.ASCII)
    day = found["day"] if found else text
    return (
        is_date(day)
        or bool(re.fullmatch(_DATE_DIGITS, day))
        or bool(re.fullmatch(_NAMED_DATE, day, re.IGNORECASE | re.ASCII))
    )


#: Countries with a numbering plan: ISO 3166 three-letter code, two-letter code.
_CODES = """
    ABW:AW AFG:AF AGO:AO AIA:AI ALA:AX ALB:AL AND:AD ARE:AE ARG:AR ARM:AM ASM:AS ATG:AG AUS:AU AUT:AT AZE:AZ
    BDI:BI BEL:BE BEN:BJ BES:BQ BFA:BF BGD:BD BGR:BG BHR:BH BHS:BS BIH:BA BLM:BL BLR:BY BLZ:BZ BMU:BM BOL:BO
    BRA:BR BRB:BB BRN:BN BTN:BT BWA:BW CAF:CF CAN:CA CCK:CC CHE:CH CHL:CL CHN:CN CIV:CI CMR:CM COD:CD COG:CG
    COK:CK COL:CO COM:KM CPV:CV CRI:CR CUB:CU CUW:CW CXR:CX CYM:KY CYP:CY CZE:CZ DEU:DE DJI:DJ DMA:DM DNK:DK
    DOM:DO DZA:DZ ECU:EC EGY:EG ERI:ER ESH:EH ESP:ES EST:EE ETH:ET FIN:FI FJI:FJ FLK:FK FRA:FR FRO:FO FSM:FM
    GAB:GA GBR:GB GEO:GE GGY:GG GHA:GH GIB:GI GIN:GN GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR GRD:GD GRL:GL GTM:GT
    GUF:GF GUM:GU GUY:GY HKG:HK HND:HN HRV:HR HTI:HT HUN:HU IDN:ID IMN:IM IND:IN IOT:IO IRL:IE IRN:IR IRQ:IQ
    ISL:IS ISR:IL ITA:IT JAM:JM JEY:JE JOR:JO JPN:JP KAZ:KZ KEN:KE KGZ:KG KHM:KH KIR:KI KNA:KN KOR:KR KWT:KW
    LAO:LA LBN:LB LBR:LR LBY:LY LCA:LC LIE:LI LKA:LK LSO:LS LTU:LT LUX:LU LVA:LV MAC:MO MAF:MF MAR:MA MCO:MC
    MDA:MD MDG:MG MDV:MV MEX:MX MHL:MH MKD:MK MLI:ML MLT:MT MMR:MM MNE:ME MNG:MN MNP:MP MOZ:MZ MRT:MR MSR:MS
    MTQ:MQ MUS:MU MWI:MW MYS:MY MYT:YT NAM:NA NCL:NC NER:NE NFK:NF NGA:NG NIC:NI NIU:NU NLD:NL NOR:NO NPL:NP
    NRU:NR NZL:NZ OMN:OM PAK:PK PAN:PA PER:PE PHL:PH PLW:PW PNG:PG POL:PL PRI:PR PRK:KP PRT:PT PRY:PY PSE:PS
    PYF:PF QAT:QA REU:RE ROU:RO RUS:RU RWA:RW SAU:SA SDN:SD SEN:SN SGP:SG SHN:SH SJM:SJ SLB:SB SLE:SL SLV:SV
    SMR:SM SOM:SO SPM:PM SRB:RS SSD:SS STP:ST SUR:SR SVK:SK SVN:SI SWE:SE SWZ:SZ SXM:SX SYC:SC SYR:SY TCA:TC
    TCD:TD TGO:TG THA:TH TJK:TJ TKL:TK TKM:TM TLS:TL TON:TO TTO:TT TUN:TN TUR:TR TUV:TV TWN:TW TZA:TZ UGA:UG
    UKR:UA URY:UY USA:US UZB:UZ VAT:VA VCT:VC VEN:VE VGB:VG VIR:VI VNM:VN VUT:VU WLF:WF WSM:WS XKX:XK YEM:YE
    ZAF:ZA ZMB:ZM ZWE:ZW
"""
#: Two-letter codes by three-letter codes.
COUNTRIES = dict(pair.split(":") for pair in _CODES.split())
#: Territories that share the country's dialing rules and are part of its campaigns.
_TERRITORIES = {"USA": ("AS", "GU", "MP", "PR", "VI")}


def regions_of(country: str) -> tuple[str, ...]:
    """Return the regions that a campaign of a country dials, the country itself first.

    :raises InvalidInputError: if the country is unknown
    """
    code = country.strip().upper() if isinstance(country, str) else country
    if code not in COUNTRIES:
        from airflow_provider_engagevoice.exceptions import nearest

        raise InvalidInputError(
            "country",
            country,
            f"write the three-letter code of a country, such as 'USA'{nearest(str(country), COUNTRIES)}",
        )
    return (COUNTRIES[code], *_TERRITORIES.get(code, ()))


#: Prefixes that countries have given up, by country code: digits of all numbers after them, the pattern of
#: those dialed within the country, and that of further ones between the country code and the number. Those of
#: Mexico were in libphonenumber until 8.13.37, the others in 8.8.
_PREFIXES: Mapping[str, tuple[int, str, str]] = {
    "52": (10, "0[12]|04[45]", "|1"),
    "56": (9, "0", ""),
    "992": (9, "8", ""),
    "998": (9, "8", ""),
}
#: The place of a carrier's code in Brazil: ``(0xx11) 96123-4567``.
_CARRIER = r"([^\d]*(?:(?:00)?55[^\d]*)?0)\s?[xX]{2}(?=[^a-zA-Z]*\Z)"


def without_carrier(text: str, code: str) -> str:
    """Return a text without ``xx``, which stands for the code of a carrier of one's choice.

    :param code: of the country
    """
    found = re.match(_CARRIER, text, re.ASCII) if code == "55" else None
    return text if found is None else found[1] + text[found.end() :]


def without_prefix(text: str, code: str) -> str:
    """Return a text without an outdated prefix; the text itself if it has none.

    A prefix is one only in front of all digits of a number, so that no number begins with it.

    :param text: digits and punctuation
    :param code: of the country
    """
    outdated = _PREFIXES.get(code)
    if outdated is None:
        return text
    length, domestic, foreign = outdated
    number = rf"(?=(?:\D*\d){{{length}}}\D*\Z)"
    for before, prefix in (
        (rf"\D*(?:00\D*)?{code}\D*", domestic + foreign),
        (r"[^+\d]*", domestic),
    ):
        found = re.match(rf"({before})(?:{prefix}){number}", text, re.ASCII)
        if found is not None:
            return found[1] + text[found.end() :]
    return text

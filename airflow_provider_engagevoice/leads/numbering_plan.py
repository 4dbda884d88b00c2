"""The numbering plan of a country: libphonenumber's result, computed fast for ordinary numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest

#: Countries with a numbering plan: ISO 3166 three-letter code, two-letter code.
_COUNTRIES = """
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
_REGIONS = dict(pair.split(":") for pair in _COUNTRIES.split())
#: Territories that share the country's dialing rules and are part of its campaigns.
_TERRITORIES = {"USA": ("AS", "GU", "MP", "PR", "VI")}


def regions_of(country: str) -> tuple[str, ...]:
    """Return the regions that a campaign of a country dials, the country itself first.

    :raises InvalidInputError: if the country is unknown
    """
    code = country.strip().upper() if isinstance(country, str) else country
    if code not in _REGIONS:
        raise InvalidInputError(
            "country",
            country,
            f"write the three-letter code of a country, such as 'USA'{nearest(str(country), _REGIONS)}",
        )
    return (_REGIONS[code], *_TERRITORIES.get(code, ()))


_PUNCTUATION = str.maketrans("", "", " -().[]/\u00a0\u2010\u2011\u2012\u2013\u2014")
#: A pattern that matches nothing.
_NOTHING = r"(?!)"
_PARSE_REASONS = {
    NumberParseException.TOO_SHORT_NSN: "the number is too short",
    NumberParseException.TOO_SHORT_AFTER_IDD: "the number is too short",
    NumberParseException.TOO_LONG: "the number is too long",
    NumberParseException.INVALID_COUNTRY_CODE: "no country has this code",
}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "the number is too short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the number is too short: the area code is missing",
    ValidationResult.TOO_LONG: "the number is too long",
    ValidationResult.INVALID_LENGTH: "no number has this length",
}


class BadNumberError(ValueError):
    """A value is not a phone number that can be dialed. The message is the reason, without the value."""


class NumberingPlan:
    """Parses numbers as they are written in a country.

    A number must be valid in one of the regions by libphonenumber: its length and leading digits are in use
    there. Whether the number is assigned to a subscriber is unknown.

    :param regions: two-letter codes; the first region's rules apply to numbers without a country code
    """

    def __init__(self, regions: Sequence[str]) -> None:
        self._regions = tuple(regions)
        plans = [_metadata(region) for region in regions]
        own = plans[0]
        code = phonenumbers.country_code_for_region(regions[0])
        self._code = str(code)
        valid = "|".join(map(_valid_pattern, plans))
        main = _metadata(phonenumbers.region_code_for_country_code(code))
        self._is_valid = re.compile(valid, re.ASCII).fullmatch
        self._is_national = re.compile(_general(own).national_number_pattern, re.ASCII).fullmatch
        self._national_prefix = _prefix(own)
        # For numbers with a country code, libphonenumber applies the rules of the code's main country.
        self._main_prefix = _prefix(main)
        self._prefix_is_rewritten = bool(own.national_prefix_transform_rule)
        international = own.international_prefix or _NOTHING
        self._is_international = re.compile(international, re.ASCII).match
        #: Matches a valid number in canonical form: national digits only.
        self.is_plain_national = re.compile(
            rf"(?!{code}|{international}|{self._national_prefix.pattern})(?:{valid})", re.ASCII
        ).fullmatch
        #: The same for E.164: ``+``, country code, national digits.
        self.is_plain_e164 = re.compile(
            rf"\+{code}(?!{self._main_prefix.pattern})(?:{valid})", re.ASCII
        ).fullmatch

    @property
    def code(self) -> str:
        """The country code."""
        return self._code

    def read(self, text: str) -> str:
        """Return the national digits of a number.

        :raises BadNumberError: if it is not a valid number of these regions
        """
        digits = text.translate(_PUNCTUATION)
        return digits if self.is_plain_national(digits) else self._read_plain(digits) or self._parse(text)

    def _read_plain(self, text: str) -> str | None:
        """Return the national digits if libphonenumber certainly returns the same; otherwise None."""
        has_code = text.startswith("+")
        digits = text[1:] if has_code else text
        if not (digits.isascii() and digits.isdigit()):
            return None
        rest = digits[len(self._code) :] if digits.startswith(self._code) else None
        if has_code:
            if rest is None:
                return None
        elif self._is_international(digits):
            return None
        elif rest is None:
            return self._without_prefix(digits)
        elif self._is_national(digits) or not self._is_national(rest) or self._national_prefix.match(rest):
            return None
        return rest if self._is_valid(rest) and not self._main_prefix.match(rest) else None

    def _without_prefix(self, digits: str) -> str | None:
        prefix = self._national_prefix.match(digits)
        if prefix:
            if self._prefix_is_rewritten:
                return None
            digits = digits[prefix.end() :]
        return digits if self._is_valid(digits) else None

    def _parse(self, text: str) -> str:
        try:
            number = phonenumbers.parse(text, self._regions[0])
        except NumberParseException as error:
            raise BadNumberError(_PARSE_REASONS.get(error.error_type, "not a phone number")) from None
        if number.extension:
            raise BadNumberError("the number has an extension, which the dialer cannot dial")
        if any(phonenumbers.is_valid_number_for_region(number, region) for region in self._regions):
            return phonenumbers.national_significant_number(number)
        length = phonenumbers.is_possible_number_with_reason(number)
        if length in _LENGTH_REASONS:
            raise BadNumberError(_LENGTH_REASONS[length])
        region = phonenumbers.region_code_for_number(number)
        if region is None or region in self._regions:
            raise BadNumberError("no such number exists: its leading digits are not in use")
        raise BadNumberError(f"the number belongs to another country ({region})")


def _metadata(region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None, region
    return metadata


def _prefix(metadata: PhoneMetadata) -> re.Pattern[str]:
    return re.compile(metadata.national_prefix_for_parsing or _NOTHING, re.ASCII)


def _general(metadata: PhoneMetadata) -> Any:
    assert metadata.general_desc is not None, metadata.id
    return metadata.general_desc


def _valid_pattern(metadata: PhoneMetadata) -> str:
    """Return the pattern that the national digits of all valid numbers of a region match."""
    general = _general(metadata)
    kinds = [
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
        metadata.fixed_line,
        metadata.mobile,
    ]
    by_length: dict[tuple[int, ...], list[str]] = {}
    for kind in kinds:
        if kind is not None and kind.national_number_pattern is not None:
            by_length.setdefault(tuple(kind.possible_length), []).append(kind.national_number_pattern)
    of_kinds = "|".join(
        _of_length(lengths) + f"(?:{'|'.join(dict.fromkeys(patterns))})"
        for lengths, patterns in by_length.items()
    )
    general_pattern = rf"(?=(?:{general.national_number_pattern})\Z)"
    return rf"{_of_length(tuple(general.possible_length))}{general_pattern}(?:{of_kinds})"


def _of_length(lengths: tuple[int, ...]) -> str:
    # A number ends where the text ends, so that a lookahead can check the length.
    counts = "|".join(f"[0-9]{{{length}}}" for length in lengths)
    return rf"(?=(?:{counts})\Z)" if lengths else ""

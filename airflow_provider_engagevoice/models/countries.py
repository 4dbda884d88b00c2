"""The countries that campaigns dial: regions of their plans, and outdated forms of their numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest

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
        raise InvalidInputError(
            "country",
            country,
            f"write the three-letter code of a country, such as 'USA'{nearest(str(country), COUNTRIES)}",
        )
    return (COUNTRIES[code], *_TERRITORIES.get(code, ()))


class _Outdated(NamedTuple):
    """Prefixes that a country has given up.

    :param length: digits of all numbers after them
    :param domestic: pattern of the prefixes dialed within the country
    :param foreign: further ones, between the country code and the number
    """

    length: int
    domestic: str
    foreign: str = ""


#: By country code: those of Mexico in libphonenumber until 8.13.37, of the others in 8.8.
_PREFIXES: Mapping[str, _Outdated] = {
    "52": _Outdated(10, "0[12]|04[45]", "|1"),
    "56": _Outdated(9, "0"),
    "992": _Outdated(9, "8"),
    "998": _Outdated(9, "8"),
}
#: The place of a carrier's code in Brazil: ``(0xx11) 96123-4567``.
_CARRIER = re.compile(r"([^\d]*(?:(?:00)?55[^\d]*)?0)\s?[xX]{2}(?=[^a-zA-Z]*\Z)", re.ASCII).match


def without_carrier(text: str, code: str) -> str:
    """Return a text without ``xx``, which stands for the code of a carrier of one's choice.

    :param code: of the country
    """
    found = _CARRIER(text) if code == "55" else None
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
    number = rf"(?=(?:\D*\d){{{outdated.length}}}\D*\Z)"
    for before, prefix in (
        (rf"\D*(?:00\D*)?{code}\D*", outdated.domestic + outdated.foreign),
        (r"[^+\d]*", outdated.domestic),
    ):
        found = re.match(rf"({before})(?:{prefix}){number}", text, re.ASCII)
        if found is not None:
            return found[1] + text[found.end() :]
    return text

"""Units: X12 element 355 and EDIFACT element 6411 as UN/ECE Recommendation 20 (and 21, with an X before).

Sources: ASC X12 data element 355; UNECE Recommendation 20 revision 17; Recommendation 21 revision 12, whose packages
are units with an X before them. ``CS`` is a cassette in X12, and a case to everybody who writes it. X12 codes
that are not in the table are a fault: many of two letters mean one thing there and another here (``ST`` is a set there
and a sheet here). EDIFACT has Recommendation 20 itself, so that a code of its form is taken as it stands; whether it is
in the list is for a rule to say. Where no unit is told, ``C62`` (one) is meant: EANCOM has QTY 6411 only for goods by
weight or measure. An account's option ``unit.`` with a partner's own word behind it names what is meant by that:
``unit.PLT = "XPX"``. It goes before the tables.
"""

import re
from collections.abc import Mapping
from typing import Final

ONE: Final = "C62"

_X12_CODES = """
EA:EA PC:H87 UN:C62 IE:IE AS:AS KT:KT KI:KI ST:SET PR:PR DZ:DZN GS:GRO GG:GGR HD:HD TH:MIL HU:CEN HC:HC CA:XCS
CS:XCS CT:XCT BX:XBX BG:XBG PK:XPK PL:XPX PH:XPK BD:XBE BA:XBL BO:XBO CN:XCX DR:XDR JR:XJR JU:XJG RL:XRO TU:XTU
TB:XTU TY:XPU PA:XPL KE:XKG SH:XST RM:RM LO:LO JO:JO ZZ:ZZ KG:KGM LB:LBR OZ:ONZ TN:STN GT:LTN MP:TNE GR:GRM
ME:MGM LT:LTR ML:MLT GA:GLL QT:QT PT:PT FO:OZA IN:INH FT:FOT LF:LF LM:LM YD:YRD MR:MTR CM:CMT MM:MMT DK:KMT
SF:FTK SY:YDK SI:INK SM:MTK SC:CMK CF:FTQ CI:INQ CY:YDQ CC:CMQ CR:MTQ BF:BFT HR:HUR MJ:MIN DA:DAY WK:WEE MO:MON
YR:ANN 01:LBR 50:KGM 58:58
"""
X12_UNITS: Final = dict(pair.split(":") for pair in _X12_CODES.split())
"""Recommendation 20's code by X12's."""

_EDIFACT_ALIASES: Final = {
    "PCE": "H87", "PCS": "H87", "PC": "H87", "STK": "H87", "DZ": "DZN", "KG": "KGM", "PACK": "XPK", "GBND": "XPK",
    "SCHA": "XPU", "CT": "XCT", "CS": "XCS", "BX": "XBX", "PF": "XPF", "PK": "XPK",
}  # fmt: skip
"""What partners write and Recommendation 20 has no more or never had: older codes, packages without their X."""
_CODE = re.compile(r"[0-9A-Z]{2,3}")


def agreed_unit(text: str, options: Mapping[str, str]) -> str | None:
    """Return the code that an account has agreed for a partner's own: the option ``unit.SCHA`` of a source."""
    return options.get(f"unit.{text}")


def x12_unit(text: str) -> str | None:
    """Return the code of Recommendation 20 for one of X12, or for itself (``DZN``); None for any other."""
    found = X12_UNITS.get(text)
    return found if found is not None or text not in X12_UNITS.values() else text


def edifact_unit(text: str) -> str | None:
    """Return the code of Recommendation 20 for what stands in 6411; None for what has not the form of one."""
    found = _EDIFACT_ALIASES.get(text)
    return found if found is not None or not _CODE.fullmatch(text) else text

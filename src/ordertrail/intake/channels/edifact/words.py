"""The codes of EDIFACT that have a meaning here, by their data element. Sources: UN/EDIFACT D.96A to D.23A; EANCOM."""

from typing import Final

from ordertrail.intake.edi.segments import Grammar
from ordertrail.orders.model import OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus

ROLES: Final = {
    "BY": "buyer", "OB": "buyer", "SU": "seller", "SE": "seller", "IV": "bill_to", "DP": "ship_to", "ST": "ship_to",
    "CN": "ship_to", "UC": "deliver_to", "UD": "deliver_to",
}  # fmt: skip
"""3035, party: the order's. The first of a role counts; all others stay extensions."""
SHIPPING_ROLES: Final = {"SF": "origin", "SH": "origin", "DP": "destination", "ST": "destination"}

AGENCIES: Final = {
    "9": ("gs1", "gln"), "91": ("seller", "party"), "92": ("buyer", "party"), "16": ("dnb", "duns"),
}  # fmt: skip
"""3055, code list responsible agency: whose number a party's is."""
TAX_NUMBERS: Final = {"VA": "VAT", "FC": "FC", "GN": "GN", "AHP": "TAX"}
"""1153 beneath a party: numbers of tax authorities."""

REFERENCES: Final = {
    "ON": ("buyer", "purchase_order"), "CO": ("buyer", "purchase_order"), "CT": ("buyer", "contract"),
    "BO": ("buyer", "blanket_order"), "BC": ("buyer", "contract"), "CR": ("buyer", "customer_reference"),
    "UC": ("buyer", "customer_order"), "UO": ("buyer", "customer_order"), "PD": ("buyer", "promotion"),
    "VN": ("seller", "order"), "OI": ("seller", "invoice"), "IV": ("seller", "invoice"),
    "POR": ("seller", "order_response"), "ACW": ("buyer", "message"), "ADE": ("seller", "account"),
    "IT": ("seller", "account"), "DQ": ("seller", "delivery_note"), "AAK": ("seller", "despatch_advice"),
    "AAS": ("carrier", "transport_document"), "BM": ("carrier", "bill_of_lading"), "CN": ("carrier", "tracking"),
}  # fmt: skip
"""1153, reference: whose name it is and of what; any other is a reference of EDIFACT's own by its code."""

TYPES: Final = {
    "105": OrderType.SALE, "220": OrderType.SALE, "224": OrderType.SALE, "221": OrderType.CALL_OFF,
    "226": OrderType.CALL_OFF, "227": OrderType.CONSIGNMENT,
}  # fmt: skip
"""1001, document name. A blanket order (221) is called off in parts."""
RUSH: Final = "224"

PURPOSES: Final = {
    "1": OrderStatus.CANCELLED, "3": OrderStatus.CANCELLED,
    **dict.fromkeys(("4", "5", "6", "7", "9", "31", "35", "42", "43", "46", "47"), OrderStatus.RECEIVED),
}  # fmt: skip
"""1225, message function, of ORDERS: it states the whole order (change, replace, confirmation, duplicate, original,
copy, sent again), or takes it back. Without one it is an original."""
CHANGE_PURPOSES: Final = {
    "1": OrderStatus.CANCELLED, "3": OrderStatus.CANCELLED,
    **dict.fromkeys(("2", "4", "5", "6", "7", "9", "16", "31", "35", "42", "43")),
}  # fmt: skip
"""1225 of ORDCHG."""
ANSWERS: Final = {
    "4": OrderStatus.ACCEPTED, "6": OrderStatus.ACCEPTED, "28": OrderStatus.ACCEPTED, "29": OrderStatus.ACCEPTED,
    "30": OrderStatus.ACCEPTED, "34": OrderStatus.ACCEPTED, "27": OrderStatus.REJECTED,
    "1": OrderStatus.CANCELLED, **dict.fromkeys(("5", "7", "9", "10", "11", "12", "13", "31", "35", "42", "43")),
}  # fmt: skip
"""1225 of ORDRSP: 29 accepted as it is, 4 with changes, 27 not accepted; 12 only says that it came."""
RESPONSES: Final = {
    "AP": OrderStatus.ACCEPTED, "AC": OrderStatus.ACCEPTED, "AD": OrderStatus.ACCEPTED,
    "AI": OrderStatus.ACCEPTED, "CA": OrderStatus.ACCEPTED, "RE": OrderStatus.REJECTED,
    "RJ": OrderStatus.REJECTED, "RD": OrderStatus.REJECTED, **dict.fromkeys(("AB", "NA", "AA", "AF", "AG", "AJ", "AQ")),
}  # fmt: skip
"""4343, response type, which says more than 1225 where it stands."""
DESPATCHES: Final = {
    "1": FulfilmentStatus.CANCELLED, "3": FulfilmentStatus.CANCELLED,
    **dict.fromkeys(("2", "4", "5", "6", "7", "9", "31", "35", "42", "43"), FulfilmentStatus.FULFILLED),
}  # fmt: skip
"""1225 of DESADV."""

ADDED, DELETED, REPLACED = "1", "2", "38"
CHANGED: Final = frozenset({"3", "4", "5", "6", "11", "15", "17", "24", "38", "74"})
"""1229, line action, of ORDCHG: how the line is afterwards. 74 reopens it."""
ACCEPTED: Final = frozenset({"1", "3", "5", "6", "24", "38"})
"""1229 of ORDRSP: the seller will deliver; with 3, 6 and 24 otherwise than ordered."""
REFUSED: Final = frozenset({"2", "7", "10"})
UNDECIDED: Final = frozenset({"4", "11", "23"})
AMENDED: Final = frozenset({"3", "6", "24", "38"})

ITEM_IDS: Final = {
    "SA": "sku", "VN": "sku", "VP": "sku", "EN": "gtin", "SRV": "gtin", "EAN": "gtin", "UP": "gtin", "IN": "buyer_item",
    "BP": "buyer_item", "MF": "manufacturer_item", "MP": "manufacturer_item", "HS": "commodity_code",
    "CC": "commodity_code",
}  # fmt: skip
"""7143, item type: the item's field."""
ORDERED: Final = ("21", "1")
PROMISED: Final = ("113", "12", "21")
SHIPPED: Final = ("12",)
"""6063, quantity: ordered, discrete; to be delivered, despatched."""

NET_PRICES: Final = ("AAA", "NTP", "INV", "CAL", "CON", "CT")
"""5125, price: with allowances and charges, without tax. What the line's ALC say is in it and is kept as it stands."""
GROSS_PRICES: Final = ("AAB", "GRP")
"""Before allowances and charges: the price where there is no net one, else what it would cost without them."""

NOT_OURS: Final = frozenset({"1", "3", "4", "5", "7"})
"""4471, settlement: not on this order's bill."""
FREIGHT: Final = frozenset({"FC", "DL", "IS", "SH"})
"""7161: freight, delivery, invoicing of shipping."""

TOTALS: Final = {
    "lines": ("79",), "grand_total": ("86", "128", "77", "39"), "due": ("9",), "tax": ("176", "124"),
    "charges": ("259",), "discount": ("260",),
}  # fmt: skip
"""5025, amount, of the order as a whole, by the sum."""

FROM, UNTIL, ON = "start", "end", "both"
DELIVERY_DATES: Final = {"2": ON, "64": FROM, "63": UNTIL, "69": ON, "76": ON, "358": ON}
"""2005: delivery requested, earliest, latest, promised, scheduled."""
ISSUED, ORDERED_ON, DESPATCHED, EXPECTED, DUE = "137", "4", "11", "17", "13"

FOREIGN: Final = {
    "INVOIC": "invoice", "CONTRL": "syntax and service report", "APERAK": "application error and acknowledgment",
    "PRICAT": "price and sales catalogue", "QUOTES": "quote", "REQOTE": "request for quote",
    "DELFOR": "delivery schedule", "DELJIT": "delivery just in time", "RECADV": "receiving advice",
    "REMADV": "remittance advice", "PAORES": "availability", "SLSRPT": "sales data report",
    "INVRPT": "inventory report", "IFTSTA": "transport status", "OSTRPT": "order status report",
    "IFTMIN": "transport instruction", "PARTIN": "party information", "RETANN": "announcement of returns",
}  # fmt: skip
"""Messages that are named in the reason why they are not read."""

_PARTS = {
    "RFF": frozenset({"DTM"}), "NAD": frozenset({"LOC", "FII", "RFF", "DOC", "CTA", "COM"}), "CTA": frozenset({"COM"}),
    "DOC": frozenset({"DTM"}), "TAX": frozenset({"MOA", "LOC"}), "CUX": frozenset({"DTM", "PCD"}),
    "PAT": frozenset({"DTM", "PCD", "MOA"}), "TDT": frozenset({"LOC", "DTM", "RFF"}), "TOD": frozenset({"LOC"}),
    "PAC": frozenset({"MEA", "QTY", "DTM", "PCI", "PAC"}), "PCI": frozenset({"RFF", "DTM", "GIN", "GIR"}),
    "ALC": frozenset({"QTY", "PCD", "MOA", "RTE", "TAX", "ALI", "DTM", "RNG"}), "LOC": frozenset({"QTY"}),
    "PRI": frozenset({"CUX", "APR", "RNG", "DTM"}), "SCC": frozenset({"FTX", "RFF", "QTY", "DTM"}),
    "PCD": frozenset({"RNG"}), "RTE": frozenset({"RNG"}), "AJT": frozenset({"FTX"}),
}  # fmt: skip
_END = frozenset({"UNS", "CNT"})
MESSAGES: Final = Grammar(
    _PARTS,
    {"LIN": _END | {"LIN", "CPS"}, "CPS": _END | {"CPS"}, "UNS": frozenset({"UNS", "LIN", "CPS"})},
)

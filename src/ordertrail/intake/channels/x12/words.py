"""The codes of X12 that have a meaning here, by their data element. Sources: ASC X12 release 004010 and 005010."""

from typing import Final

from ordertrail.intake.edi.segments import Grammar
from ordertrail.orders.model import OrderType
from ordertrail.orders.statuses import OrderStatus

ROLES: Final = {
    "BY": ("buyer",), "SO": ("buyer",), "SE": ("seller",), "SU": ("seller",), "VN": ("seller",),
    "BT": ("bill_to",), "ST": ("ship_to",), "BS": ("bill_to", "ship_to"), "Z7": ("deliver_to",),
    "UC": ("deliver_to",), "MA": ("deliver_to",),
}  # fmt: skip
"""98, entity: the order's party. The first of a role counts; all others stay extensions."""

PARTY_IDS: Final = {
    "1": ("dnb", "duns"), "9": ("dnb", "duns+4"), "UL": ("gs1", "gln"), "91": ("seller", "party"),
    "92": ("buyer", "party"), "93": ("sender", "party"), "94": ("receiver", "party"), "FI": ("tax", "ein"),
    "21": ("hin", "party"), "11": ("dea", "party"), "XV": ("gs1", "gln"), "ZZ": ("x12", "party"),
}  # fmt: skip
"""66, identification code qualifier: whose number it is and of what kind."""

ITEM_IDS: Final = (
    ("sku", ("VN", "VP", "VC", "VA", "ST")),
    ("gtin", ("UK", "UP", "EN", "UA", "UI", "EO")),
    ("buyer_item", ("BP", "IN", "CB", "SK", "PI")),
    ("manufacturer_item", ("MG", "MF", "MN")),
    ("country_of_origin", ("CH",)),
    ("commodity_code", ("HD", "ZR")),
    ("name", ("PD",)),
)
"""235, product id qualifier, by the item's field; of several the first that is there counts. SK is the shop's own."""

REFERENCES: Final = {
    "PO": ("buyer", "purchase_order"), "CO": ("buyer", "customer_order"), "CR": ("buyer", "customer_reference"),
    "CT": ("buyer", "contract"), "DP": ("buyer", "department"), "IA": ("buyer", "vendor"), "VR": ("buyer", "vendor"),
    "VN": ("seller", "order"), "OQ": ("seller", "order"), "IV": ("seller", "invoice"), "PD": ("buyer", "promotion"),
    "BM": ("carrier", "bill_of_lading"), "CN": ("carrier", "tracking"), "2I": ("carrier", "tracking"),
    "MB": ("carrier", "bill_of_lading"), "AO": ("buyer", "appointment"), "RQ": ("buyer", "requisition"),
}  # fmt: skip
"""128, reference qualifier: whose name it is and of what; any other is a reference of X12's own by its code."""

TYPES: Final = {
    "SA": OrderType.SALE, "NE": OrderType.SALE, "KN": OrderType.SALE, "RL": OrderType.CALL_OFF,
    "RA": OrderType.CALL_OFF, "CN": OrderType.CONSIGNMENT,
}  # fmt: skip
"""92, purchase order type."""
PRIORITIES: Final = frozenset({"RO", "EO", "US", "CA", "AO"})
"""92: rush, emergency, urgent, aircraft on ground."""

PURPOSES: Final = {
    "00": OrderStatus.RECEIVED, "01": OrderStatus.CANCELLED, "03": OrderStatus.CANCELLED,
    "04": OrderStatus.RECEIVED, "05": OrderStatus.RECEIVED, "06": OrderStatus.RECEIVED,
    "07": OrderStatus.RECEIVED, "15": OrderStatus.RECEIVED, "18": OrderStatus.RECEIVED,
    "20": OrderStatus.RECEIVED, "22": OrderStatus.RECEIVED,
}  # fmt: skip
"""353, transaction set purpose, of an 850: it states the whole order (original, change, replacement, confirmation,
duplicate, sent again, copy), or takes it back."""

CHANGE_PURPOSES: Final = {
    "01": OrderStatus.CANCELLED, "03": OrderStatus.CANCELLED, "17": OrderStatus.CANCELLED,
    **dict.fromkeys(("00", "02", "04", "05", "06", "07", "11", "15", "16", "18", "19", "22", "25", "44", "ZZ")),
}  # fmt: skip
"""353 of an 860: it takes the order back, or changes what its lines say."""

ANSWERS: Final = {
    "AC": OrderStatus.ACCEPTED, "AD": OrderStatus.ACCEPTED, "AE": OrderStatus.ACCEPTED,
    "AP": OrderStatus.ACCEPTED, "AT": OrderStatus.ACCEPTED, "AK": None, "NA": None, "ZZ": None,
    "AH": OrderStatus.ON_HOLD, "RD": OrderStatus.REJECTED, "RF": OrderStatus.REJECTED,
    "RJ": OrderStatus.REJECTED, "RO": OrderStatus.REJECTED,
}  # fmt: skip
"""587, acknowledgment type, of an 855. AK says only that the order came."""

ACCEPTS: Final = frozenset({"AA", "AC", "AR", "BP", "DR", "IA", "IC", "IE", "IP", "IQ", "IS", "SP"})
"""668, line item status: the seller will deliver."""
REFUSES: Final = frozenset({"ID", "IR", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"})
WAITS: Final = frozenset({"IB", "IF", "IH", "IW"})
"""668: backordered or on hold; nothing is promised yet."""
REPRICES: Final = frozenset({"IC", "IP"})

ADDS, REMOVES, REPLACES_ITEM = "AI", frozenset({"DI", "CF"}), frozenset({"RE", "RM", "RZ"})
CHANGES: Final = frozenset(
    {
        "AA",
        "CA",
        "CB",
        "CC",
        "CE",
        "CG",
        "CH",
        "CI",
        "CT",
        "MU",
        "NC",
        "OA",
        "OC",
        "PC",
        "PQ",
        "PR",
        "QC",
        "QD",
        "QI",
        "RA",
        "RB",
        "RC",
        "RQ",
        "RS",
        "TI",
    }
)
"""670, change or response type, of a line. What POC states is how the line is after the change: ``QI`` and ``QD`` too
give the whole quantity (element 330), not the difference."""

PER_HUNDRED = ("HP", "LC", "QH", "RC", "TC", "WC")
PER_THOUSAND = ("TP", "LM", "QS", "RM", "TM", "WM")
PER_DOZEN = ("PD", "LD", "RD", "TD", "WD")
BASES: Final = {
    **dict.fromkeys(PER_HUNDRED, "100"), **dict.fromkeys(PER_THOUSAND, "1000"), **dict.fromkeys(PER_DOZEN, "12"),
    "PN": "10", "TT": "10000", "HT": "100000",
}  # fmt: skip
"""639, basis of unit price: how many pieces a price is for; all others are of one unit, or say who made it."""
NO_CHARGE = "NC"
PIECES: Final = frozenset({"EA", "H87", "C62"})
LIST_PRICES: Final = frozenset({"MSR", "LPR", "CAT", "RES", "RTL"})
"""236, price identifier: what it costs without an offer."""

NOT_OURS: Final = frozenset({"01", "03", "04", "05", "07", "10", "11", "12"})
"""331, method of handling: settled elsewhere than on this order's bill."""
FREIGHT: Final = frozenset({"C040", "D200", "D230", "D240", "D250", "G821", "G830"})
"""1300: delivery, freight, shipping."""
DUTIES: Final = frozenset({"C920", "A730"})
"""1300: duty; brokerage or duty."""
TAXES: Final = frozenset(
    {
        "H620",
        "H625",
        "H630",
        "H640",
        "H650",
        "H660",
        "H680",
        "H690",
        "H700",
        "H710",
        "H720",
        "H730",
        "H740",
        "H750",
        "H770",
        "H780",
        "H850",
    }
)
"""1300: taxes that come as charges."""

FROM, UNTIL, ON = "start", "end", "both"
DELIVERY_DATES: Final = {"002": ON, "064": FROM, "063": UNTIL, "106": UNTIL, "074": UNTIL}
"""374, date qualifier: the delivery that was asked for. 002 requested; 064 not before; 063 not after; 106 required by;
074 requested for (up to and including). Dates of shipping and of cancelling by are none of delivery."""

FOREIGN: Final = {
    "810": "Invoice", "812": "Credit/Debit Adjustment", "814": "General Request", "816": "Organizational Relationships",
    "820": "Payment Order/Remittance Advice", "824": "Application Advice", "830": "Planning Schedule",
    "832": "Price/Sales Catalog", "837": "Health Care Claim", "840": "Request for Quotation",
    "843": "Response to Request for Quotation", "846": "Inventory Inquiry/Advice", "852": "Product Activity Data",
    "857": "Shipment and Billing Notice", "862": "Shipping Schedule", "864": "Text Message",
    "867": "Product Transfer and Resale Report", "869": "Order Status Inquiry", "870": "Order Status Report",
    "880": "Grocery Products Invoice", "940": "Warehouse Shipping Order", "945": "Warehouse Shipping Advice",
    "990": "Response to a Load Tender", "204": "Motor Carrier Load Tender", "210": "Motor Carrier Freight Invoice",
    "214": "Transportation Carrier Shipment Status", "997": "Functional Acknowledgment",
    "999": "Implementation Acknowledgment",
}  # fmt: skip
"""Transaction sets that are named in the reason why they are not read."""

_PARTY = frozenset({"N2", "N3", "N4", "NX2", "REF", "PER", "SI", "FOB", "TD1", "TD3", "TD4", "TD5", "PKG"})
_OUTER = frozenset({"CTT", "SE"})
_PARTS = {
    "N1": _PARTY, "N9": frozenset({"MSG", "MTX", "DTM", "PWK"}), "PID": frozenset({"MEA"}),
    "SAC": frozenset({"CUR"}), "SLN": frozenset({"PID", "SAC", "CTP", "PO3", "TC2", "ADV", "MSG"}),
    "CTT": frozenset({"AMT"}), "ACK": frozenset({"DTM"}), "SCH": frozenset({"TD5"}),
}  # fmt: skip
ORDERS: Final = Grammar(_PARTS, {"PO1": _OUTER | {"PO1"}, "POC": _OUTER | {"POC"}})
SHIPMENTS: Final = Grammar(_PARTS, {"HL": _OUTER | {"HL"}})

"""EDIFACT orders, changes, answers and despatches become orders and amendments; the samples are of real partners."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.channels.edi_reading import Reading
from intake.channels.mutations import EXAMPLES, mutated_bytes
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.edifact import Edifact
from ordertrail.intake.delivery import Source
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Totals
from ordertrail.orders.fulfilment import LineShare
from ordertrail.orders.lines import Period, Price
from ordertrail.orders.model import OrderType
from ordertrail.orders.party import Address, TaxNumber
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = sorted(shared("samples/edifact").iterdir())
SOURCE = Source("edifact", "main", currency="EUR")
READING = Reading(Edifact(), SOURCE)
delivered, told, said = READING.delivered, READING.told, READING.said
order_in, amendment_in, faults_in = READING.order_in, READING.amendment_in, READING.faults_in

TOLD = {
    "edinet__edifact.01.edi": "foreign QUOTES, faulty contradiction",
    "edinet__edifact.01.multi-message.edi": "foreign QUOTES, foreign QUOTES, faulty contradiction",
    "edinet__edifact.ORDRSP-formatted.edi": "faulty contradiction, faulty contradiction",
    "php__example_order_error.edi": "order 2019265563 received",
    "php__example_order_ok.edi": "order 2019265563 received",
    "pydifact__order.edi": "order 801715918011 received, faulty missing",
    "pydifact__order2.edi": "order PO123456 received, faulty missing",
    "pydifact__wikipedia_de.edi": "order B10001 received, faulty contradiction",
    "staedi__orders-with-group.edi": "faulty contradiction",
    "vsc__DESADV.edifact": "amendment 5500011089 None, amendment 5500011089 None",
    "vsc__EDIFACT-interchanges.edifact": "faulty missing, faulty missing, faulty missing",
    "vsc__bug-edifact-escape.edifact": "faulty missing",
    "vsc__multiple_transactions.edifact": ", ".join(["faulty missing"] * 8),
    "vsc__sample-invalid-version.edifact": "faulty missing",
    "vsc__sample-orders-minified.edifact": "order 1AA1TEST received",
    "vsc__sample-orders.edifact": "order 1AA1TEST received",
    "vsc__syntaxVersion4.edifact": "faulty contradiction missing",
    **dict.fromkeys(
        (
            "edinet__tradacoms.order9.edi",
            "edinet__tradacoms.productplanning.edi",
            "smooks__d93a-invoic-1__input.edi",
            "staedi__order.edi",
        ),
        "faulty unreadable",
    ),
}
"""What each sample tells; those not named are one message that tells of no order."""


def written(kind: str, segments: str, test: str = "") -> str:
    """Return an interchange of one message, with counts that are right."""
    lines = [line.strip() for line in segments.strip().splitlines() if line.strip()]
    body = "".join(f"{line}'\n" for line in lines)
    return (
        f"UNA:+.? '\nUNB+UNOC:3+4012345000009:14+5412345000013:14+260310:1430+42{test}'\n"
        f"UNH+1+{kind}:D:96A:UN:EAN008'\n{body}UNT+{len(lines) + 2}+1'\nUNZ+1+42'\n"
    )


@pytest.mark.parametrize("name", [path.name for path in SAMPLES])
def test_what_each_sample_tells(name: str) -> None:
    """Each real file is read, or says why it cannot be; nothing of an order is lost."""
    body = shared(f"samples/edifact/{name}").read_bytes()
    messages = check_channel(Edifact(), delivered(body))
    if name in TOLD:
        assert ", ".join(map(said, messages)) == TOLD[name]
    else:
        assert [type(message.content) for message in messages] == [Foreign]


def test_an_eancom_order_reads_to_the_last_cent() -> None:
    """Parties by their GLN, an address, a window of delivery, items by their bar codes."""
    order = order_in(shared("samples/edifact/vsc__sample-orders.edifact").read_bytes())
    assert (order.id, order.currency, order.type) == ("edifact:main:1AA1TEST", "EUR", OrderType.SALE)
    assert order.placed == order.updated == "2014-04-07T00:00:00.000000Z"
    assert order.requested_delivery == Period(
        start="2014-04-14T00:00:00.000000Z", end="2014-04-21T00:00:00.000000Z"
    )
    assert order.buyer is not None
    assert order.buyer.gln == "5450534000024"
    assert order.bill_to is not None
    assert (order.bill_to.organisation, order.bill_to.tax_numbers) == (
        "Test Name2",
        (TaxNumber(scheme="VAT", id="GB727255821"),),
    )
    assert order.bill_to.address == Address(
        street=("Test Street", "Steet2"), city="Beijing", postal_code="EC2A 2FA", country="GB"
    )
    assert order.seller is not None
    assert order.seller.references == (Reference(system="gs1", kind="gln", id="<Supplier GLN>"),)
    first, second, third = order.lines
    assert (first.item.gtin, first.item.sku, first.unit_price) == (
        "9783898307529",
        "3899408268X-39",
        Price(amount=Money(2750, "EUR"), per="1"),
    )
    assert (second.item.gtin, third.quantities.ordered) == (None, "3")
    assert {one.pointer: one.value for one in order.extensions}["/LIN/1/3/1"] == "390787706322"
    assert not order.test


def test_a_wholesalers_order_of_146_lines() -> None:
    """UTF-8 under a header that says Latin-1, released characters, a partner's own units, a test."""
    order = order_in(shared("samples/edifact/php__example_order_ok.edi").read_bytes())
    assert (len(order.lines), order.test) == (146, True)
    assert order.buyer is not None
    assert (order.buyer.gln, order.buyer.name, order.buyer.phone) == (
        "4250159300001",
        "Herr Foo",
        "020994125-32",
    )
    assert order.lines[0].item.name == "Butter 40x250g Alu"
    assert order.lines[0].item.sku == "1001"
    assert {line.unit for line in order.lines} == {"XPK", "XPU", "H87", "BTL", "EIM"}
    assert any("**Marke**" in str(line.item.name) for line in order.lines)


FULL = """
    BGM+226+PO-7+9
    DTM+137:202603101430:203
    DTM+4:20260309:102
    DTM+2:20260320:102
    FTX+AAI+++Ring the:bell?'s button
    RFF+CT:C-9
    NAD+BY+4012345000009::9++Big Shop:Purchasing+High St 1:Floor 2+Springfield++62701+US
    RFF+VA:DE123456789
    CTA+PD+:Pat Buyer
    COM+555-1:TE
    COM+pat@example.com:EM
    NAD+SU+S-1::92
    NAD+DP+++Dock Crew GmbH:Gate 4+Hafenstr. 1+Hamburg++20457+DE
    NAD+PR+4012345000009::9
    CUX+2:EUR:9
    PAT+1++5:3:D:30
    DTM+13:20260409:102
    TOD+3++DAP
    ALC+A+++1+DI::9:Spring deal
    PCD+1:5
    MOA+8:10,50
    ALC+C+++1+FC
    MOA+23:25.00
    ALC+C+++1+ABG
    MOA+8:5
    ALC+A++1++BB
    MOA+8:99
    LIN+1++4006381333931:EN
    PIA+1+B-1:BP+AB-1:SA
    IMD+F++:::Felt:pen
    QTY+21:12,5:KGM
    DTM+2:20260321:102
    MOA+203:30.86
    FTX+LIN+++Handle with care
    PRI+AAA:2.4688
    PRI+AAB:2.60
    RFF+PL:42
    TAX+7+VAT+++:::19+S
    MOA+124:5.86
    ALC+A+++1+DI
    MOA+8:1.64
    LIN+2
    QTY+21:3
    PRI+AAB:10:::10
    ALC+C+++1+PC
    MOA+8:1
    LIN+3+++1:2
    QTY+21:1:PCE
    PRI+AAA:7.00::::KGM
    UNS+S
    MOA+79:34.86
    MOA+86:58.72
    MOA+9:58.72:USD:4
    CNT+2:3
"""


def test_an_order_with_everything() -> None:
    """Allowances and charges, net and gross prices, taxes, terms, parties, a sub-line, sums behind UNS."""
    order = order_in(written("ORDERS", FULL))
    assert (order.id, order.type) == ("edifact:main:PO-7", OrderType.CALL_OFF)
    assert (order.placed, order.updated) == ("2026-03-09T00:00:00.000000Z", "2026-03-10T14:30:00.000000Z")
    assert order.source_version is not None
    assert order.source_version.time == "2026-03-10T14:30:00.000000Z"
    assert [(one.amount.amount, one.reason, one.rate) for one in order.discounts] == [
        (1050, "Spring deal", "5")
    ]
    assert [(one.amount.amount, one.code) for one in order.shipping] == [(2500, "FC")]
    assert [(one.amount.amount, one.kind) for one in order.charges] == [(500, "ABG")]
    assert [one.due for one in order.payments] == ["2026-04-09T00:00:00.000000Z"]
    assert order.incoterm == "DAP"
    assert [note.text for note in order.notes] == ["Ring the bell's button"]
    assert order.buyer is not None
    assert (order.buyer.organisation, order.buyer.name, order.buyer.email) == (
        "Big Shop Purchasing",
        "Pat Buyer",
        "pat@example.com",
    )
    assert order.seller is not None
    assert order.seller.references == (Reference(system="buyer", kind="party", id="S-1"),)
    assert order.ship_to is not None
    assert order.ship_to.address is not None
    assert order.ship_to.address.city == "Hamburg"
    pen, gross, part = order.lines
    assert (pen.item.gtin, pen.item.buyer_item, pen.item.sku, pen.item.name) == (
        "4006381333931",
        "B-1",
        "AB-1",
        "Felt pen",
    )
    assert (pen.quantities.ordered, pen.unit) == ("12.5", "KGM")
    assert pen.unit_price == Price(amount=Money(24688, "EUR"), per="100")
    assert pen.list_price == Price(amount=Money(260, "EUR"), per="1")
    assert pen.discounts == (), "a net price has the allowance in it"
    assert [(tax.amount.amount, tax.rate, tax.category) for tax in pen.taxes] == [(586, "19", "S")]
    assert gross.unit_price == Price(amount=Money(1000, "EUR"), per="10")
    assert [one.amount.amount for one in gross.charges] == [100]
    assert (part.parent, part.unit_price) == ("2", None), "a price per kilogram is none per piece"
    assert order.totals == Totals(lines=Money(3486, "EUR"), grand_total=Money(5872, "EUR"))
    left = {one.pointer: one.value for one in order.extensions}
    assert left["/LIN/2/PRI/0/1"] == {"1": "AAA", "2": "7.00", "6": "KGM"}
    assert left["/LIN/0/ALC"][0]["MOA"] == [{"1": {"1": "8", "2": "1.64"}}]
    assert (left["/UNS/0/MOA/2/1/2"], left["/UNS/0/MOA/2/1/3"]) == ("58.72", "USD")
    assert left["/ALC/3/1"] == {"1": "A"}, "a bill back is settled elsewhere"
    assert [check.path for check in reconcile(order).checks if not check.difference.amount] == [
        "lines.0.amount"
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("CNT+2:3", "CNT+2:4"),
            "contradiction /UNB/0/UNH/0/UNS/0/CNT/0/1: CNT counts 4 lines, and there are 3",
        ),
        (("QTY+21:3", "QTY+21:3:?:"), "unknown_word /UNB/0/UNH/0/LIN/1/QTY/0/1/3: ':' has no unit"),
        (("QTY+21:3", "QTY+21:3A"), "malformed /UNB/0/UNH/0/LIN/1/QTY/0/1/2: '3A' is not a number"),
        (
            ("QTY+21:3", "QTY+12:3"),
            "missing /UNB/0/UNH/0/LIN/1/QTY: the line does not say how much is ordered",
        ),
        (("PRI+AAB:10", "PRI+AAB:$10"), "malformed /UNB/0/UNH/0/LIN/1/PRI/0/1/2: '$10' is not a number"),
        (
            ("20260320:102", "20260231:102"),
            "malformed /UNB/0/UNH/0/DTM/2/1: '20260231' is no date of format 102",
        ),
        (
            ("BGM+226+PO-7+9", "BGM+226+PO-7+99"),
            "unknown_word /UNB/0/UNH/0/BGM/0/3/1: '99' is not known here",
        ),
        (("BGM+226+PO-7+9", "BGM+226++9"), "missing /UNB/0/UNH/0/BGM/0/2/1"),
        (("BGM+226+PO-7+9", "DTM+137:20260310:102"), "missing /UNB/0/UNH/0/BGM: ORDERS begins with BGM"),
        (("CUX+2:EUR", "CUX+2:EURO"), "unknown_word /UNB/0/UNH/0/CUX/0/1/2: 'EURO' is not an ISO 4217"),
        (("LIN+2", "LIN+1"), "malformed /UNB/0/UNH/0: makes no order: lines.1.id"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: tuple[str, str], fault: str) -> None:
    """Each fault names its component."""
    found = faults_in(written("ORDERS", FULL.replace(*change)))
    assert any(one.startswith(fault) for one in found), found


def test_a_currency_is_the_messages_or_the_accounts_and_never_guessed() -> None:
    """Without either an order is a dead letter that a setting of the account repairs."""
    text = written("ORDERS", "BGM+220+1+9\nLIN+1\nQTY+21:1\nPRI+AAA:5\nUNS+S")
    assert faults_in(text, Source("edifact", "main")) == [
        "missing /UNB/0/UNH/0: amounts are stated, and neither the message nor the account says in which currency"
    ]
    bare = written("ORDERS", "BGM+220+1+9\nLIN+1\nQTY+21:1\nUNS+S")
    assert faults_in(bare, Source("edifact", "main")) == [
        "missing /UNB/0/UNH/0/CUX: no CUX names the currency, and the account has none"
    ]
    assert order_in(bare).totals == Totals()


def test_an_interchange_that_is_a_test_says_so() -> None:
    """UNB 0035."""
    text = "BGM+220+1+9\nLIN+1\nQTY+21:1\nUNS+S"
    assert order_in(written("ORDERS", text, "++++++1")).test
    assert not order_in(written("ORDERS", text, "++++1")).test


def test_an_order_that_is_taken_back() -> None:
    """With its lines it is an order that is cancelled; without, a change of one."""
    whole = order_in(written("ORDERS", "BGM+220+1+1\nDTM+137:20260310:102\nLIN+1\nQTY+21:1\nUNS+S"))
    assert (whole.status, whole.cancelled) == (OrderStatus.CANCELLED, "2026-03-10T00:00:00.000000Z")
    short = amendment_in(written("ORDERS", "BGM+220+1+1\nDTM+137:20260310:102\nUNS+S"))
    assert (short.order, short.status) == (whole.id, OrderStatus.CANCELLED)


CHANGE = """
    BGM+230+CHG-1+4
    DTM+137:20260312:102
    DTM+63:20260330:102
    RFF+ON:PO-7
    CUX+2:EUR:9
    LIN+1+3+4006381333931:EN
    QTY+21:15:KGM
    PRI+AAA:2.50
    LIN+2+2
    QTY+21:3
    LIN+4+1+NEW-1:SA
    IMD+F++:::New thing
    QTY+21:4
    PRI+AAA:2
    UNS+S
    CNT+2:3
"""


def test_a_change_adds_changes_and_takes_away_lines() -> None:
    """LIN 1229 by its code, applied to the order that it changes."""
    change = amendment_in(written("ORDCHG", CHANGE))
    assert (change.order, change.status) == ("edifact:main:PO-7", None)
    assert change.version is not None
    assert change.version.time == "2026-03-10T14:30:00.000000Z"
    assert change.removed_lines == ("2",)
    assert [(one.line, one.ordered, one.item) for one in change.changed_lines] == [("1", "15", None)]
    assert [(one.id, one.item.sku, one.item.name) for one in change.added_lines] == [
        ("4", "NEW-1", "New thing")
    ]
    assert Reference(system="buyer", kind="change", id="CHG-1") in change.references
    assert all(one.source == "edifact-ORDCHG" for one in change.extensions)
    order = order_in(written("ORDERS", FULL.replace("LIN+3+++1:2", "LIN+3")))
    changed = amend(order, change)
    assert [(line.id, line.quantities.ordered) for line in changed.lines] == [
        ("1", "15"),
        ("3", "1"),
        ("4", "4"),
    ]
    assert changed.requested_delivery == Period(end="2026-03-30T00:00:00.000000Z")


def test_a_change_of_an_order_that_nothing_else_names() -> None:
    """Partners beyond EANCOM give the change the order's own number."""
    change = amendment_in(written("ORDCHG", "BGM+230+PO-7+1\nDTM+137:20260312:102\nUNS+S"))
    assert (change.order, change.status, change.cancelled) == (
        "edifact:main:PO-7",
        OrderStatus.CANCELLED,
        "2026-03-12T00:00:00.000000Z",
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("LIN+2+2", "LIN+2"), "missing /UNB/0/UNH/0/LIN/1/2: nothing says whether the line is added"),
        (("LIN+2+2", "LIN+2+99"), "unknown_word /UNB/0/UNH/0/LIN/1/2: '99' is no action on a line"),
        (("CHG-1+4", "CHG-1+99"), "unknown_word /UNB/0/UNH/0/BGM/0/3/1"),
    ],
)
def test_what_is_wrong_with_a_change(change: tuple[str, str], fault: str) -> None:
    """A change that is not understood changes nothing."""
    found = faults_in(written("ORDCHG", CHANGE.replace(*change)))
    assert any(one.startswith(fault) for one in found), found


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("BGM+231+R-1+29", OrderStatus.ACCEPTED),
        ("BGM+231+R-1+4", OrderStatus.ACCEPTED),
        ("BGM+231+R-1+27", OrderStatus.REJECTED),
        ("BGM+231+R-1+12", None),
        ("BGM+231+R-1+9+AP", OrderStatus.ACCEPTED),
        ("BGM+231+R-1+9+RE", OrderStatus.REJECTED),
        ("BGM+231+R-1+9+AB", None),
    ],
)
def test_what_a_seller_answers_to_an_order(head: str, status: OrderStatus | None) -> None:
    """4343 where it stands, else 1225; an answer is no state of the buyer's order."""
    answer = amendment_in(written("ORDRSP", f"{head}\nDTM+137:20260311:102\nRFF+ON:PO-7\nRFF+VN:S-99\nUNS+S"))
    assert (answer.order, answer.status, answer.version) == ("edifact:main:PO-7", status, None)
    assert answer.accepted == ("2026-03-11T00:00:00.000000Z" if status is OrderStatus.ACCEPTED else None)
    assert Reference(system="seller", kind="order", id="S-99") in answer.references


def test_what_a_seller_promises_of_each_line() -> None:
    """By the order's own line numbers; what is split is summed; a price counts where it is another."""
    text = """
        BGM+231+R-1+4
        RFF+ON:PO-7
        CUX+2:EUR:9
        LIN+1+5
        QTY+21:12:KGM
        RFF+ON:PO-7:10
        LIN+2+3
        QTY+113:4
        PRI+AAA:2.10
        RFF+LI::20
        LIN+3+1
        QTY+113:3
        RFF+LI::20
        LIN+4+7
        QTY+21:9
        RFF+LI:30
        LIN+5+4
        QTY+21:1
        UNS+S
        CNT+2:5
    """
    answer = amendment_in(written("ORDRSP", text))
    assert [(one.line, one.accepted, one.ordered) for one in answer.changed_lines] == [
        ("10", "12", None),
        ("20", "7", None),
        ("30", "0", None),
    ]
    prices = [one.unit_price for one in answer.changed_lines]
    assert prices == [None, Price(amount=Money(210, "EUR"), per="1"), None]


def test_an_answer_to_no_order_is_faulty() -> None:
    """Nobody could tell whose it is."""
    assert faults_in(written("ORDRSP", "BGM+231+R-1+29\nUNS+S")) == [
        "missing /UNB/0/UNH/0/RFF: no RFF+ON says which order is answered"
    ]


def test_a_despatch_of_two_orders_is_a_change_of_each() -> None:
    """Each has its own lines; what is said of the despatch both have."""
    text = """
        BGM+351+DES-1+9
        DTM+137:20260314:102
        DTM+11:202603150900:203
        DTM+17:20260318:102
        NAD+SF+4012345000009::9
        NAD+DP+5412345000013::9
        TDT+20++30+31:Truck+DHL:::DHL Freight
        CPS+1
        PAC+1++201
        PCI+33E
        GIN+BJ+006141411234567890+123
        LIN+1++4006381333931:EN
        QTY+12:5
        RFF+ON:PO-7:10
        CPS+2+1
        LIN+2++4006381333931:EN
        QTY+12:2:PCE
        RFF+ON:PO-7:10
        LIN+3
        QTY+12:1
        RFF+ON:PO-8:1
        CNT+2:3
    """
    first, second = check_channel(Edifact(), delivered(written("DESADV", text)))
    assert isinstance(first.content, Amendment)
    assert isinstance(second.content, Amendment)
    assert (first.content.order, second.content.order) == ("edifact:main:PO-7", "edifact:main:PO-8")
    assert (first.pointer, second.pointer) == ("/UNB/0/UNH/0/CPS/0/LIN/0", "/UNB/0/UNH/0/CPS/1/LIN/1")
    (parcel,) = first.content.fulfilments
    assert (parcel.id, parcel.status) == ("DES-1", FulfilmentStatus.FULFILLED)
    assert parcel.lines == (LineShare(line="10", quantity="7"),)
    assert parcel.sscc == ("006141411234567890",)
    assert (parcel.carrier, parcel.service) == ("DHL Freight", "Truck")
    assert (parcel.shipped, parcel.expected) == (
        "2026-03-15T09:00:00.000000Z",
        Period(end="2026-03-18T00:00:00.000000Z"),
    )
    assert parcel.origin is not None
    assert parcel.origin.gln == "4012345000009"
    assert second.content.fulfilments[0].lines == (LineShare(line="1", quantity="1"),)


def test_a_message_that_does_not_say_what_it_is_may_be_an_order() -> None:
    """It is told, and not passed over as something else."""
    text = "UNB+UNOC:3+A+B+260310:1430+1'UNH+1'BGM+220+1'UNT+3+1'UNZ+1+1'"
    assert faults_in(text) == ["missing /UNB/0/UNH/0/UNH/2/1: UNH does not say which message this is"]


def test_a_delivery_is_known_by_its_interchange() -> None:
    """The same interchange sent again has the same id; the next one has another, and what is none has none."""
    text = written("ORDERS", FULL)
    known = Edifact().delivery_id(delivered(text))
    assert known == "4012345000009|14|5412345000013|14|42|260310|1430"
    assert Edifact().delivery_id(delivered(text.replace("1430+42", "1430+43"))) != known
    assert Edifact().delivery_id(delivered(text + text)) is None, "a file of two is known by its content"
    assert Edifact().delivery_id(delivered(b"{}")) is None
    assert Edifact().delivery_id(delivered("UNA:+.? '")) is None


def test_other_documents_of_partners_say_what_they_are() -> None:
    """XML of ERP systems and of ECI, dropped into the wrong channel, says so."""
    for folder in ("edifact-xml", "eci-order"):
        for path in sorted(shared(f"samples/{folder}").iterdir()):
            with pytest.raises(FaultyError, match="not EDIFACT: it begins with"):
                list(Edifact().read(delivered(path.read_bytes())))


_SEEDS = [path.read_bytes()[:4000] for path in SAMPLES] + [
    written("ORDERS", FULL).encode(),
    written("ORDCHG", CHANGE).encode(),
]


@st.composite
def _elements_changed(draw: st.DrawFn) -> bytes:
    """Return a message with some of its elements replaced and its counts made right again."""
    kind, text = draw(
        st.sampled_from([("ORDERS", FULL), ("ORDCHG", CHANGE), ("ORDRSP", CHANGE), ("DESADV", CHANGE)])
    )
    lines = [line.strip().split("+") for line in text.strip().splitlines()]
    odd = st.sampled_from(
        ["", "0", "-1", "1e999", "x" * 600, ":::", "?", "20260230", "21:0", "\x00", "ZZ:1", "1,2,3"]
    )
    for _ in range(draw(st.integers(1, 4))):
        line = draw(st.sampled_from(lines))
        line[draw(st.integers(0, len(line) - 1))] = draw(odd)
    if draw(st.booleans()):
        lines.pop(draw(st.integers(0, len(lines) - 1)))
    return written(kind, "\n".join("+".join(line) for line in lines)).encode()


@settings(max_examples=EXAMPLES)
@given(st.one_of(mutated_bytes(_SEEDS), _elements_changed()))
def test_whatever_comes_nothing_else_is_raised(body: bytes) -> None:
    """Any bytes are read, told as faulty, or refused with a reason."""
    with suppress(FaultyError):
        check_channel(Edifact(), delivered(body))

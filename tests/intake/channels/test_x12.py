"""X12 orders are read to the last cent, or say why not; the samples are of real partners."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.channels.mutations import EXAMPLES, mutated_bytes
from intake.channels.x12_written import (
    CHANGE,
    FULL,
    SHIPPED,
    SOURCE,
    amendment_in,
    delivered,
    faults_in,
    order_in,
    said,
    written,
)
from ordertrail.intake.channels.x12 import X12
from ordertrail.intake.delivery import Source
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.message import Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Totals
from ordertrail.orders.lines import Period, Price
from ordertrail.orders.model import Order, OrderType
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = sorted(shared("samples/edi-x12").iterdir())

TOLD = {
    "coedition__832-sample2": "foreign 832, faulty contradiction, faulty contradiction",
    "coedition__850-sample": "order 117649143 received, order 117649153 received, order 117649160 received",
    "coedition__850-sample2": "order P51276290001 received, faulty contradiction",
    "coedition__855-sample": "amendment 1712223 accepted, amendment 1712245 accepted, amendment 1712253 accepted, "
    "amendment 1712257 rejected",
    "coedition__856-sample2": "amendment CUSTPONUMBER None, faulty contradiction, faulty contradiction",
    "edinet__x12.850.issue135": "order 740150 received, order 740151 received",
    "nodex12__850": "order 08292233294 received",
    "nodex12__850_3": "order ---------- received",
    "nodex12__850_fat": "order 08292233294 received, order 08292233294 received",
    "staedi__sample837-HL-nested": "foreign 837, foreign 837",
    "staedi__sample837-small": "foreign 837, foreign 837",
    "stedi__inbound": "amendment 365465413 accepted",
    "stupidedi__003010__PO850__fail__1": "faulty contradiction",
    "stupidedi__004010__PR855__fail__2": "amendment 8000000418 accepted",
    "stupidedi__004010__PR855__pass__1": "amendment 1D711419 accepted",
    "stupidedi__004010__SH856__fail__2": "faulty contradiction",
    "basic-po": "order 508517/1001 received",
    "basic-po-ack-accepted": "amendment XX-1234 accepted",
    "po-ack-minor-changes": "amendment XX-1234 accepted",
    "po-ack-ship-details": "amendment XX-1234 accepted",
    **dict.fromkeys(
        ("vsc__850", "vsc__850-lineBreak", "vsc__850-lineBreak-LF"), "faulty contradiction missing"
    ),
    "vsc__diagnosctics": "faulty contradiction malformed missing, faulty contradiction, faulty contradiction",
    "vsc__multiple_transactions": "amendment PO001 None, amendment PO002 None",
}
"""What each sample tells; those not named are one transaction set that tells of no order."""


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_each_sample_tells(path: object) -> None:
    """Each real file is read, or says why it cannot be; nothing of an order is lost."""
    stem = path.stem.rpartition("__")[2] if "X35" in path.stem else path.stem  # type: ignore[attr-defined]
    messages = check_channel(X12(), delivered(path.read_bytes()))  # type: ignore[attr-defined]
    found = ", ".join(map(said, messages))
    if stem in TOLD:
        assert found == TOLD[stem]
    else:
        assert [type(message.content) for message in messages] == [Foreign]


def test_a_retailers_order_reads_to_the_last_cent() -> None:
    """Six lines, their ids, a delivery date, and the sum that the buyer states."""
    path = shared("samples/edi-x12/nodex12__850.edi")
    order = order_in(path.read_bytes())
    assert (order.id, order.number, order.type) == ("x12:main:08292233294", "08292233294", OrderType.SALE)
    assert order.placed == "2010-11-27T00:00:00.000000Z"
    assert order.source_version is not None
    assert order.source_version.time == "2010-11-27T17:19:00.000000Z"
    first = order.lines[0]
    assert (first.id, first.quantities.ordered, first.unit) == ("1", "120", "EA")
    assert (first.item.name, first.item.sku, first.item.buyer_item) == (
        "SMALL WIDGET",
        "AB3542",
        "065322-117",
    )
    assert first.unit_price == Price(amount=Money(925, "USD"), per="1")
    assert order.totals == Totals(lines=Money(1_304_594, "USD"))
    assert reconcile(order).balanced
    assert order.ship_to is not None
    assert order.ship_to.address is not None
    assert (order.ship_to.organisation, order.ship_to.address.postal_code) == ("XYZ RETAIL", "44139")
    assert Reference(system="dnb", kind="duns+4", id="0003947268292") in order.ship_to.references
    day = "2010-12-14T00:00:00.000000Z"
    assert order.requested_delivery == Period(start=day, end=day)
    assert {one.kind: one.id for one in order.references} == {
        "purchase_order": "08292233294", "contract": "610385385", "department": "038", "PS": "R",
        "interchange": "000003438", "group": "1421", "transaction_set": "000000010",
    }  # fmt: skip
    assert {one.pointer for one in order.extensions} >= {"/PKG", "/TD5", "/PO1/0/PO4", "/ITD/0/7"}


def test_the_elements_of_a_file_without_terminators_are_not_mixed_up() -> None:
    """A segment whose terminator was forgotten is one of its own, for the line ends it (issue 135 of EDI.Net)."""
    path = shared("samples/edi-x12/edinet__x12.850.issue135.edi")
    first, second = check_channel(X12(), delivered(path.read_bytes()))
    assert isinstance(first.content, Order)
    assert isinstance(second.content, Order)
    assert [line.id for line in first.content.lines] == [
        "10",
        "20",
        "30",
        "40",
        "50",
        "60",
        "100",
        "70",
        "80",
        "90",
    ]
    assert first.content.lines[1].unit == "FTK"
    assert first.content.test
    assert second.pointer == "/ISA/0/GS/0/ST/1"


def test_an_order_with_everything() -> None:
    """Allowances and charges of type N2, taxes, terms, parties, ids with check digits, prices per hundred."""
    order = order_in(written("850", FULL))
    assert (order.id, order.type, order.currency) == ("x12:main:PO-7/R1", OrderType.CALL_OFF, "EUR")
    assert [(one.amount.amount, one.reason, one.rate) for one in order.discounts] == [
        (1050, "Spring deal", "5")
    ]
    assert [(one.amount.amount, one.code, one.name) for one in order.shipping] == [(2500, "D240", "Freight")]
    assert [(one.amount.amount, one.kind) for one in order.charges] == [(300, "G740")]
    assert [(one.amount.amount, one.name, one.rate) for one in order.taxes] == [
        (1999, "Sales tax", None),
        (700, "VA", "19"),
    ]
    assert [(one.method, one.due) for one in order.payments] == [
        ("2% 10 NET 30", "2026-04-09T00:00:00.000000Z")
    ]
    assert order.requested_delivery == Period(
        start="2026-03-20T00:00:00.000000Z", end="2026-03-25T17:00:00.000000Z"
    )
    assert [note.text for note in order.notes] == ["Ring the bell", "See below", "Palletize everything"]
    assert order.incoterm == "DAP"
    assert order.buyer is not None
    assert (order.buyer.organisation, order.buyer.gln) == ("Big Shop", "4012345000009")
    assert order.ship_to is not None
    assert (order.ship_to.organisation, order.ship_to.name, order.ship_to.phone) == (
        "Store 12, Back door",
        "Dock Crew",
        "555-2",
    )
    assert order.ship_to.address is not None
    assert order.ship_to.address.street == ("1 High St", "Unit 2")
    assert order.totals == Totals(grand_total=Money(6000, "EUR"))
    cup, case = order.lines
    assert cup.unit_price == Price(amount=Money(12345, "EUR"), per="10000")
    assert cup.list_price == Price(amount=Money(200, "EUR"), per="1")
    assert (cup.item.gtin, cup.item.sku, cup.item.buyer_item) == ("036000291452", "AB-1", "B-1")
    assert (cup.amount, [one.amount.amount for one in cup.charges]) == (Money(115, "EUR"), [100])
    assert (case.id, case.unit, case.item.gtin) == ("2", "XCS", None)
    left = {one.pointer: one.value for one in order.extensions}
    assert left["/PO1/1/7"] == "036000291453", "a wrong check digit is kept and is no GTIN"
    assert left["/PO1/1/PO4"] == [{"1": "6", "2": "1", "3": "EA"}]
    assert left["/REF/1/4"] == {"1": "CO", "2": "X1"}
    assert left["/SAC/4/5"] == "9900", "a bill back is settled elsewhere"
    assert left["/N1/2/2"] == "Warehouse"
    assert not reconcile(order).balanced


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [
        ("USD", "1234", 1234),
        ("USD", "12.34", 1234),
        ("JPY", "120000", 1200),
        ("KWD", "1234", 12340),
        ("USD", "-500", -500),
    ],
)
def test_the_last_two_digits_of_n2_are_hundredths(currency: str, amount: str, minor: int) -> None:
    """Whatever the currency's minor unit is; with a point a number is as it reads; a negative charge is a discount."""
    text = f"BEG*00*SA*1**20260310\nCUR*BY*{currency}\nSAC*C*G740***{amount}\nPO1*1*1*EA*5\nCTT*1"
    order = order_in(written("850", text))
    if minor > 0:
        assert [one.amount for one in order.charges] == [Money(minor, currency)]
    else:
        assert [one.amount for one in order.discounts] == [Money(-minor, currency)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("CTT*2*14", "CTT*3"),
            "contradiction /ISA/0/GS/0/ST/0/CTT/0/1: CTT counts 3 lines, and there are 2",
        ),
        (("PO1**2*CA", "PO1**2*QQ"), "unknown_word /ISA/0/GS/0/ST/0/PO1/1/3: 'QQ' has no unit"),
        (("PO1**2*CA", "PO1**x*CA"), "malformed /ISA/0/GS/0/ST/0/PO1/1/2: 'x' is not a number"),
        (("PO1**2*CA", "PO1**-2*CA"), "malformed /ISA/0/GS/0/ST/0/PO1/1/2: '-2' is not a quantity"),
        (("20260310*C-9", "20260231*C-9"), "malformed /ISA/0/GS/0/ST/0/BEG/0/5: '20260231' is no date"),
        (("BEG*00", "BEG*99"), "unknown_word /ISA/0/GS/0/ST/0/BEG/0/1: '99' is not known here"),
        (("*PO-7*", "**"), "missing /ISA/0/GS/0/ST/0/BEG/0/3: 3 is missing"),
        (("CUR*BY*EUR", "CUR*BY*EURO"), "unknown_word /ISA/0/GS/0/ST/0/CUR/0/2: 'EURO' is not an ISO 4217"),
        (
            ("CUR*BY*EUR", "CUR*BY*EUR\nCUR*SE*USD"),
            "contradiction /ISA/0/GS/0/ST/0/CUR: one order states amounts in EUR, USD",
        ),
        (("PO1**2*CA*10", "PO1*1*2*CA*10"), "malformed /ISA/0/GS/0/ST/0: makes no order: lines.1.id"),
        (
            ("SAC*C*G740***300", "SAC*C*G740***abc"),
            "malformed /ISA/0/GS/0/ST/0/SAC/2/5: 'abc' is not a number",
        ),
        (("DTM*064*20260320", "DTM*064*20261320"), "malformed /ISA/0/GS/0/ST/0/DTM/0/2"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: tuple[str, str], fault: str) -> None:
    """Each fault names its element."""
    found = faults_in(written("850", FULL.replace(*change)))
    assert any(one.startswith(fault) for one in found), found


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Not only the first fault."""
    text = FULL.replace("PO1**2*CA", "PO1**x*QQ").replace("CTT*2", "CTT*3").replace("BEG*00", "BEG*99")
    assert len(faults_in(written("850", text))) == 4


def test_a_currency_is_the_messages_or_the_accounts_and_never_guessed() -> None:
    """Without either an order is a dead letter that a setting of the account repairs."""
    text = written("850", "BEG*00*SA*1**20260310\nPO1*1*1*EA*5\nCTT*1")
    assert faults_in(text, Source("x12", "main")) == [
        "missing /ISA/0/GS/0/ST/0: amounts are stated, and neither the message nor the account says in which currency"
    ]
    assert order_in(text, Source("x12", "main", currency="CAD")).currency == "CAD"


def test_an_account_agrees_units_with_its_partner() -> None:
    """A word of the partner's own is no fault where the account says what it means."""
    text = written("850", "BEG*00*SA*1**20260310\nPO1*1*1*QQ*5\nCTT*1")
    agreed = Source("x12", "main", currency="USD", options={"unit.QQ": "XPX"})
    assert order_in(text, agreed).lines[0].unit == "XPX"


@pytest.mark.parametrize("purpose", ["01", "03"])
def test_an_order_that_is_taken_back(purpose: str) -> None:
    """With its lines it is an order that is cancelled; without, a change of one."""
    whole = order_in(written("850", f"BEG*{purpose}*SA*1**20260310\nPO1*1*1*EA*5\nCTT*1"))
    assert (whole.status, whole.cancelled) == (OrderStatus.CANCELLED, "2026-03-10T14:30:00.000000Z")
    short = amendment_in(written("850", f"BEG*{purpose}*SA*1**20260310\nNTE*GEN*Sorry"))
    assert (short.order, short.status) == (whole.id, OrderStatus.CANCELLED)


def test_orders_in_a_form_that_is_not_read_are_no_foreigners() -> None:
    """A grocer's order must not be passed over."""
    assert faults_in(written("875", "G50*N*20260310*1", "OG"))[0].startswith(
        "unknown_word /ISA/0/GS/0/ST/0/ST/1: X12 875"
    )


def test_a_transaction_set_that_does_not_say_what_it_is_may_be_an_order() -> None:
    """It is told, and not passed over as something else."""
    text = written("850", FULL).replace("ST*850*0001", "ST**0001")
    assert faults_in(text) == ["missing /ISA/0/GS/0/ST/0/ST/1: ST does not say which transaction set this is"]


def test_a_delivery_is_known_by_its_interchange() -> None:
    """The same interchange sent again has the same id; the next one has another, and what is none has none."""
    text = written("850", FULL)
    known = X12().delivery_id(delivered(text))
    assert known == "01|123456789|12|5551234567|000000042|260310|1430"
    assert X12().delivery_id(delivered(text.replace("000000042", "000000043"))) != known
    assert X12().delivery_id(delivered(text.replace("*260310*", "*260311*"))) != known
    assert X12().delivery_id(delivered(text + text)) is None, "a file of two is known by its content"
    assert X12().delivery_id(delivered(b"{}")) is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<Order/>", b"UNB+UNOA:1'", b"ISA*00*", b"\x00" * 100, b"\xff\xfe"]
)
def test_what_is_no_x12_is_refused_as_a_whole(body: bytes) -> None:
    """There is nothing in it to tell of."""
    with pytest.raises(FaultyError):
        list(X12().read(delivered(body)))


def test_other_documents_of_partners_say_what_they_are() -> None:
    """XML of ERP systems and of ECI, dropped into the wrong channel, says so."""
    for folder in ("edifact-xml", "eci-order"):
        for path in sorted(shared(f"samples/{folder}").iterdir()):
            with pytest.raises(FaultyError, match="not X12: it begins with") as caught:
                list(X12().read(delivered(path.read_bytes())))
            assert caught.value.faults[0].code is Code.UNREADABLE


def test_a_line_takes_its_place_from_the_accounts_zone() -> None:
    """A date is midnight where the account is."""
    from zoneinfo import ZoneInfo

    chicago = replace(SOURCE, zone=ZoneInfo("America/Chicago"))
    assert order_in(written("850", FULL), chicago).placed == "2026-03-10T05:00:00.000000Z"


_SEEDS = [path.read_bytes()[:4000] for path in SAMPLES] + [
    written("850", FULL).encode(), written("860", CHANGE).encode(), written("856", SHIPPED).encode(),
]  # fmt: skip


@st.composite
def _elements_changed(draw: st.DrawFn) -> bytes:
    """Return a sample with some of its elements replaced and its counts made right again."""
    kind, text = draw(st.sampled_from([("850", FULL), ("860", CHANGE), ("856", SHIPPED)]))
    lines = [line.strip().split("*") for line in text.strip().splitlines()]
    for _ in range(draw(st.integers(1, 4))):
        line = draw(st.sampled_from(lines))
        odd = st.sampled_from(
            ["", "0", "-1", "1e999", "x" * 600, "9" * 30, "20260230", ">", "\x00", "ZZ", "1.23456"]
        )
        line[draw(st.integers(0, len(line) - 1))] = draw(odd)
    if draw(st.booleans()):
        lines.pop(draw(st.integers(0, len(lines) - 1)))
    return written(kind, "\n".join("*".join(line) for line in lines)).encode()


@settings(max_examples=EXAMPLES)
@given(st.one_of(mutated_bytes(_SEEDS), _elements_changed()))
def test_whatever_comes_nothing_else_is_raised(body: bytes) -> None:
    """Any bytes are read, told as faulty, or refused with a reason."""
    with suppress(FaultyError):
        check_channel(X12(), delivered(body))


def test_a_message_of_too_many_segments_is_refused_without_being_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that would fill the memory with lines is a dead letter that says how many there were."""
    monkeypatch.setattr("ordertrail.intake.edi.envelope.MOST_SEGMENTS", 100)
    many = "\n".join(["BEG*00*SA*1**20260310", *["PO1*1*1*EA*5"] * 101])
    assert faults_in(written("850", many)) == [
        "too_large /ISA/0/GS/0/ST/0: 104 segments are more than the 100 that are read of one message"
    ]

"""X12 changes, answers and ship notices become amendments of the order that they name."""

import pytest

from intake.channels.x12_written import (
    CHANGE,
    FULL,
    SHIPPED,
    amendment_in,
    delivered,
    faults_in,
    order_in,
    said,
    written,
)
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.x12 import X12
from ordertrail.intake.message import Faulty
from ordertrail.kernel.money import Money
from ordertrail.orders.fulfilment import LineShare
from ordertrail.orders.lines import Period, Price
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus
from ordertrail.testing.conformance.channel import check_channel


def test_a_change_adds_changes_and_takes_away_lines() -> None:
    """POC02 by its code; quantities are those after the change."""
    change = amendment_in(written("860", CHANGE, "PC"))
    assert (change.order, change.status) == ("x12:main:PO-7/R1", None)
    assert change.version is not None
    assert (change.version.number, change.version.time) == (3, "2026-03-10T14:30:00.000000Z")
    assert change.updated == "2026-03-12T00:00:00.000000Z"
    assert change.removed_lines == ("2",)
    assert [(one.id, one.item.name, one.quantities.ordered) for one in change.added_lines] == [
        ("3", "New thing", "4")
    ]
    assert [(one.line, one.ordered) for one in change.changed_lines] == [("1", "15"), ("5", "1"), ("6", "8")]
    assert change.changed_lines[0].unit_price == Price(amount=Money(150, "EUR"), per="1")
    assert change.changed_lines[0].item is None
    assert change.changed_lines[2].item is not None
    assert change.changed_lines[2].item.sku == "AB-2"
    assert change.requested_delivery == Period(end="2026-03-30T00:00:00.000000Z")
    assert all(one.source == "x12-860" for one in change.extensions)


def test_a_change_applied_to_its_order() -> None:
    """The line that is changed has the new quantity and price, the line that is taken away is gone."""
    order = order_in(written("850", FULL))
    text = (
        CHANGE.replace("POC*5*NC*1**EA", "")
        .replace("POC*6*RE*8**EA*3**VN*AB-2", "")
        .replace("CTT*5", "CTT*3")
    )
    changed = amend(order, amendment_in(written("860", text, "PC")))
    assert [(line.id, line.quantities.ordered) for line in changed.lines] == [("1", "15"), ("3", "4")]
    assert changed.lines[0].item == order.lines[0].item
    assert {one.name for one in order.extensions} <= {one.name for one in changed.extensions}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("POC*2*DI", "POC*2*XX"), "unknown_word /ISA/0/GS/0/ST/0/POC/1/2: 'XX' is no change of a line"),
        (("POC*2*DI", "POC**DI"), "missing /ISA/0/GS/0/ST/0/POC/1/1"),
        (("CTT*5", "CTT*4"), "contradiction /ISA/0/GS/0/ST/0/CTT/0/1: CTT counts 4 lines, and there are 5"),
        (("BCH*04", "BCH*??"), "unknown_word /ISA/0/GS/0/ST/0/BCH/0/1"),
    ],
)
def test_what_is_wrong_with_a_change(change: tuple[str, str], fault: str) -> None:
    """A change that is not understood changes nothing."""
    found = faults_in(written("860", CHANGE.replace(*change), "PC"))
    assert any(one.startswith(fault) for one in found), found


def test_a_change_that_takes_the_order_back() -> None:
    """BCH01 01."""
    change = amendment_in(written("860", "BCH*01*SA*PO-7***20260310*****20260312", "PC"))
    assert (change.order, change.status, change.cancelled) == (
        "x12:main:PO-7",
        OrderStatus.CANCELLED,
        "2026-03-12T00:00:00.000000Z",
    )


@pytest.mark.parametrize(
    ("acks", "accepted", "price"),
    [
        ("ACK*IA*12*EA", "12", None),
        ("ACK*IA", "12", None),
        ("ACK*IA*5*EA\nACK*IB*7*EA", "5", None),
        ("ACK*IQ*10*EA", "10", None),
        ("ACK*IP*12*EA", "12", 150),
        ("ACK*IR", "0", None),
        ("ACK*ID*12*EA", "0", None),
        ("ACK*BP*4*EA\nACK*R2*8*EA", "4", None),
        ("ACK*IP\nACK*DR***106*20260401\nACK*IQ*9", "9", 150),
    ],
)
def test_what_a_seller_promises_of_a_line(acks: str, accepted: str, price: int | None) -> None:
    """ACK01 by its code; without a quantity all of the line; the price only where it is another."""
    text = f"BAK*00*AC*PO-7*20260310*R1***S-99*20260311\nPO1*1*12*EA*1.50**VN*X\n{acks}\nCTT*1"
    answer = amendment_in(written("855", text, "PR"))
    assert (answer.order, answer.status, answer.version) == ("x12:main:PO-7/R1", OrderStatus.ACCEPTED, None)
    assert answer.accepted == "2026-03-11T00:00:00.000000Z"
    assert Reference(system="seller", kind="order", id="S-99") in answer.references
    (line,) = answer.changed_lines
    assert (line.line, line.accepted, line.ordered) == ("1", accepted, None)
    assert (None if line.unit_price is None else line.unit_price.amount.amount) == price


@pytest.mark.parametrize("code", ["IB", "IH", "IF", "IW"])
def test_a_line_that_waits_is_neither_promised_nor_refused(code: str) -> None:
    """The status is kept as it stands."""
    answer = amendment_in(
        written("855", f"BAK*00*AD*PO-7*20260310\nPO1*1*12*EA*1.50\nACK*{code}*12*EA\nCTT*1", "PR")
    )
    assert answer.changed_lines == ()
    assert {one.pointer: one.value for one in answer.extensions}["/PO1/0/ACK/0/1"] == code


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AT", OrderStatus.ACCEPTED),
        ("AH", OrderStatus.ON_HOLD),
        ("RJ", OrderStatus.REJECTED),
        ("RD", OrderStatus.REJECTED),
        ("AK", None),
    ],
)
def test_what_a_seller_answers_to_an_order(code: str, status: OrderStatus | None) -> None:
    """BAK02; AK says only that it came."""
    assert amendment_in(written("855", f"BAK*00*{code}*PO-7*20260310", "PR")).status == status


def test_an_answer_to_a_change() -> None:
    """865: POC with ACK beneath it."""
    text = """
        BCA*00*AC*PO-7*R1*3*20260310***S-99*20260313
        POC*1*QI*15*3*EA*1.50
        ACK*IA*15*EA
        CTT*1
    """
    answer = amendment_in(written("865", text, "CA"))
    assert (answer.order, answer.accepted) == ("x12:main:PO-7/R1", "2026-03-13T00:00:00.000000Z")
    assert [(one.line, one.accepted) for one in answer.changed_lines] == [("1", "15")]


def test_an_860_that_speaks_as_an_850_is_not_taken_for_no_change() -> None:
    """What becomes of the lines would be lost."""
    found = faults_in(written("860", "BCH*04*SA*1***20260310\nPO1*1*15*EA*25", "PC"))
    assert found[0].startswith("malformed /ISA/0/GS/0/ST/0/PO1: an X12 860 says in POC")


def test_a_shipment_of_two_orders_is_a_change_of_each() -> None:
    """Each has its own lines and logistic units; what is said of the shipment both have."""
    first, second = check_channel(X12(), delivered(written("856", SHIPPED, "SH")))
    assert (first.pointer, second.pointer) == ("/ISA/0/GS/0/ST/0/HL/1", "/ISA/0/GS/0/ST/0/HL/5")
    assert isinstance(first.content, Amendment)
    assert isinstance(second.content, Amendment)
    assert (first.content.order, second.content.order) == ("x12:main:PO-7/R1", "x12:main:PO-8")
    (parcel,) = first.content.fulfilments
    assert (parcel.id, parcel.status) == ("SHIP-1", FulfilmentStatus.FULFILLED)
    assert parcel.lines == (LineShare(line="1", quantity="7"),)
    assert (parcel.carrier, parcel.tracking_numbers) == ("United Parcel", ("1Z999AA10123456784",))
    assert parcel.sscc == ("006141411234567890",)
    assert (parcel.shipped, parcel.expected) == (
        "2026-03-15T09:00:00.000000Z",
        Period(end="2026-03-18T00:00:00.000000Z"),
    )
    assert parcel.origin is not None
    assert parcel.destination is not None
    assert parcel.destination.organisation == "Store 12"
    (other,) = second.content.fulfilments
    assert (other.lines, other.sscc) == ((LineShare(line="9", quantity="1"),), ())


def test_a_hierarchy_without_parents_goes_by_its_sequence() -> None:
    """Partners leave HL02 out: an item then belongs to the order before it."""
    text = SHIPPED
    for level in ("2*1*O", "3*2*P", "4*3*I", "5*3*I", "6*1*O", "7*6*I"):
        number, _, kind = level.split("*")
        text = text.replace(f"HL*{level}", f"HL*{number}**{kind}")
    with_parents = check_channel(X12(), delivered(written("856", SHIPPED, "SH")))
    without = check_channel(X12(), delivered(written("856", text, "SH")))
    assert [one.content.fulfilments for one in without] == [one.content.fulfilments for one in with_parents]  # type: ignore[union-attr]


def test_a_shipment_of_no_order_is_faulty() -> None:
    """Nobody could tell whose it is."""
    (found,) = faults_in(written("856", "BSN*00*S*20260315*1200\nHL*1**S\nCTT*1", "SH"))
    assert found.startswith("missing /ISA/0/GS/0/ST/0/HL: no PRF and no LIN of an HL names an order")


def test_one_order_that_goes_to_two_stores_is_one_fulfilment() -> None:
    """Two levels of the same PRF are one change; a second fulfilment of that id would take the place of the first."""
    text = SHIPPED.replace("PRF*PO-8", "PRF*PO-7*R1")
    change = amendment_in(written("856", text, "SH"))
    assert change.fulfilments[0].lines == (
        LineShare(line="1", quantity="7"),
        LineShare(line="9", quantity="1"),
    )


def test_orders_may_be_named_by_the_items() -> None:
    """Car makers name the order in LIN and have no level of it."""
    text = """
        BSN*00*35100*070101*1130
        HL*1**S
        HL*2*1*I
        LIN**BP*7389141G01*ON*RG61372*PL*10
        SN1**1000*PC
        HL*3*1*I
        LIN**BP*6500012G00*PO*SH89457*PL*1
        SN1**176*PC
    """
    found = check_channel(X12(), delivered(written("856", text, "SH")))
    assert [said(message) for message in found] == ["amendment RG61372 None", "amendment SH89457 None"]
    assert [message.pointer[-5:] for message in found] == ["/HL/1", "/HL/2"]


def test_an_item_of_no_order_is_told() -> None:
    """It cannot be given to one of those that were shipped with it."""
    text = SHIPPED.replace("HL*7*6*I", "HL*7**S")
    for message in check_channel(X12(), delivered(written("856", text, "SH"))):
        assert isinstance(message.content, Faulty)
        assert str(message.content.faults[0]).startswith("/ISA/0/GS/0/ST/0/HL/6: the item names no order")

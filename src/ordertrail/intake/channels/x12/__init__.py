"""ANSI X12: purchase orders and what becomes of them, from any release of the standard.

Sources: ASC X12 004010 and 005010 (transaction sets 850, 855, 856, 860, 865; data elements as named in ``words``); the
VICS and X357/X358 (aerospace) guides for what partners make of them. :mod:`ordertrail.intake.edi` says how interchanges
are read, where things stand and what counts do.

===========  =============================================================================================
850 BEG      the whole order; BEG01 01 and 03 take it back; BEG03 (with release BEG04) is the order's id
860 BCH      a change: POC02 AI adds a line, DI and CF take one away, all others say how it is afterwards
855 BAK      the seller's answer: BAK02 to the order, ACK01 line by line (668)
865 BCA      the seller's answer to a change, alike
856 BSN      a shipment: one change for each order in it (PRF, or LIN PO and ON), with a fulfilment
others       foreign; 875 and 876 are orders of grocers in another form, and faulty
===========  =============================================================================================

=========================  ==================================================================================
order                      source
=========================  ==================================================================================
id, number                 BEG03, and BEG04 behind a slash where it is a release of a blanket order
type, priority             BEG02 (92)
status                     received, or cancelled (BEG01)
placed                     BEG05
source_version             GS04 and GS05; of a change also BCH05 where it is a number. Answers have none
currency                   CUR02, else the account's; amounts without either are a fault
unit                       355 by :mod:`ordertrail.intake.edi.units`, before it the account's options ``unit.<code>``
parties                    N1 loops: BY SO SE SU VN BT ST BS Z7 UC MA; GLN, DUNS and other numbers (66)
requested_delivery         DTM 002 063 064 074 106, of the order and of lines
lines                      PO1: id PO101 (its turn where empty), quantity, unit (355), price and basis (639), ids (235)
list_price, amount         CTP with 236 MSR LPR CAT RES RTL; AMT*1 of a line
discounts, charges,        SAC (A, C) with an amount of type N2: the last two digits are hundredths, unless a point
shipping, taxes            stands in it; freight is shipping, taxes are taxes; TXI. What is settled elsewhere (SAC12)
                           and what is given in per cent alone stays an extension
totals                     AMT*1 (lines), AMT*TT (grand total), AMT*T (tax); often there are none
payments                   ITD with a due date or words
incoterm                   FOB05 where FOB04 is 01
references                 BEG, REF, N9 (128) and control numbers: ISA13, GS06, ST02
notes                      NTE, MSG, N903, MTX, PID of the order as a whole
test                       ISA15 T
=========================  ==================================================================================

What a seller repeats in an answer of parties, quantities and prices does not change the order: it stays an extension.
CTT01 is held against the lines; a wrong one makes the order faulty, for a line may be lost. CTT02 (hash) stays.
"""

import re
from collections.abc import Iterator
from itertools import islice

from ordertrail.intake.channels.x12 import words
from ordertrail.intake.channels.x12.change import BEGINNINGS, answer_of, change_of
from ordertrail.intake.channels.x12.order import order_of
from ordertrail.intake.channels.x12.shipment import shipments
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.edi.envelope import X12 as FRAME
from ordertrail.intake.edi.envelope import Aside, Enclosed, Told, unfolded
from ordertrail.intake.edi.reading import Reading, first
from ordertrail.intake.edi.segments import decoded
from ordertrail.intake.edi.x12 import x12_segments
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.json_text import LARGEST
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.intake.parts import message_of

_NAME = "x12"
_OTHER_ORDERS = {"875": "Grocery Products Purchase Order", "876": "Grocery Products Purchase Order Change"}
_READERS = {"850": order_of, "855": answer_of, "860": change_of, "865": answer_of}
_LONGEST_ID = 512
_HEADER = re.compile(r"(?<![A-Z0-9])ISA[^\w\s]")


class X12:
    """Reads X12 interchanges."""

    name = _NAME

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return sender, receiver, control number, date and time of the interchange; None of a file with several.

        Many partners count anew from time to time, so that the control number alone would take a new one for an old.
        """
        try:
            text = _text(delivery)
            header = next(x12_segments(text))
        except FaultyError:
            return None
        found = "|".join(header.at(str(number)) or "" for number in (5, 6, 7, 8, 13, 9, 10))
        is_one = len(list(islice(_HEADER.finditer(text), 2))) == 1
        return found if is_one and found.isprintable() and len(found) <= _LONGEST_ID else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield a message for each transaction set, and one for each envelope that something is wrong with."""
        for part in unfolded(x12_segments(_text(delivery)), FRAME):
            match part:
                case Told():
                    yield Message(part.pointer, Faulty(part.faults))
                case Aside():
                    yield Message(
                        part.pointer, Foreign(part.segment.tag, "an acknowledgment of an interchange")
                    )
                case Enclosed() if part.is_too_long:
                    yield Message(part.pointer, Faulty(tuple(part.faults(FRAME))))
                case Enclosed():
                    yield from _messages(part, delivery)


def _text(delivery: Delivery) -> str:
    if len(delivery.body) > LARGEST:
        told = f"{len(delivery.body)} bytes are more than the {LARGEST} that are read"
        raise FaultyError(Fault(Code.TOO_LARGE, "", told))
    return decoded(delivery.body, "latin-1")


def _messages(part: Enclosed, delivery: Delivery) -> Iterator[Message]:
    kind = part.kind
    if kind in _READERS:
        yield _message(part, delivery)
    elif kind == "856":
        yield from shipments(part, delivery)
    elif not kind:
        missing = Fault(Code.MISSING, f"{part.pointer}/ST/1", "ST does not say which transaction set this is")
        yield Message(part.pointer, Faulty((missing,)))
    elif kind in _OTHER_ORDERS:
        told = f"X12 {kind} {_OTHER_ORDERS[kind]} is an order in a form that is not read here"
        yield Message(part.pointer, Faulty((Fault(Code.UNKNOWN_WORD, f"{part.pointer}/ST/1", told),)))
    else:
        named = f"X12 {kind} {words.FOREIGN.get(kind, '')}".rstrip()
        yield Message(
            part.pointer,
            Foreign(kind, f"{named} is no order, no change or answer and no ship notice of one"),
        )


def _message(part: Enclosed, delivery: Delivery) -> Message:
    document = Document({}, delivery.source.zone).part(part.tree(words.ORDERS), part.pointer)
    document.faults.extend(part.faults(FRAME))
    root = document.root
    root.child("ST").text("1")
    for number in ("1", "2"):
        root.child("SE").text(number)
    reading = Reading(delivery.source, document, root)
    tag, release = BEGINNINGS[part.kind]
    beginning = first(root, tag, f"X12 {part.kind}")
    if beginning is None:
        return message_of(document, root, None, _NAME)
    named = beginning.id("3", required=True)
    order = reading.order(named, beginning.id(release), (beginning, "3"))
    content = _READERS[part.kind](reading, beginning, order)
    # What a change has left over does not take the place of what the order had at the same place.
    source = _NAME if part.kind == "850" else f"{_NAME}-{part.kind}"
    return message_of(document, root, content, source, order)

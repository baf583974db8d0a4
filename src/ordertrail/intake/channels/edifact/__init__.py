"""UN/EDIFACT: orders and what becomes of them, from any directory, with EANCOM's codes.

Sources: UN/EDIFACT directories D.96A to D.23A (https://service.unece.org/trade/untdid/), messages ORDERS, ORDCHG,
ORDRSP and DESADV; GS1 EANCOM 1997, 2002 S3 and S4 (https://ref.gs1.org/standards/eancom/).
:mod:`ordertrail.intake.edi` says how interchanges are read, where things stand and what counts do.

===========  =============================================================================================
ORDERS       the whole order; 1225 1 and 3 take it back; BGM 1004 is the order's id
ORDCHG       a change of the order that RFF+ON names (BGM where none does); LIN 1229 adds, changes, deletes
ORDRSP       the seller's answer: 4343, else 1225, to the order; 1229 line by line
DESADV       a despatch: one change for each order in it, with a fulfilment (CPS, LIN, GIN+BJ)
others       foreign
===========  =============================================================================================

=========================  ==================================================================================
order                      source
=========================  ==================================================================================
id, number                 BGM 1004
type, priority             BGM 1001
status                     received, or cancelled (1225)
placed, updated            DTM 4, else 137; DTM 137
source_version             UNB S004. Answers and despatches have none
currency                   CUX 6345, else the account's; amounts without either are a fault
unit                       6411 by :mod:`ordertrail.intake.edi.units`, before it the account's options ``unit.<code>``
parties                    NAD BY OB SU SE IV DP ST CN UC UD with RFF, CTA, COM; GLN (3055: 9), DUNS and others
requested_delivery         DTM 2 63 64 69 76 358, of the order and of lines
lines                      LIN 1082 (its turn where empty), QTY 21 or 1, PRI, PIA and 7143, IMD, C829 (sub-lines)
unit_price, list_price     PRI net (AAA NTP INV CAL), else gross (AAB GRP); of both the gross is the list price
discounts, charges,        ALC with MOA 8, 23 or 204; of a line only where its price is gross, for a net one has them
shipping, taxes            in it; FC is shipping; TAX with MOA 124. What is given in per cent alone stays
amount, totals             MOA 203 of a line; 79, 86 or 128, 9, 176 or 124, 259, 260 behind UNS
payments                   PAT with DTM 13
incoterm                   TOD C100
references                 BGM, RFF and control references: UNB 0020, UNG 0048, UNH 0062
notes                      FTX
test                       UNB 0035
=========================  ==================================================================================

What a seller repeats in an answer of parties, quantities and prices does not change the order: it stays an extension.
CNT 2 is held against the lines; a wrong one makes the order faulty, for a line may be lost.
"""

import re
from collections.abc import Iterator
from itertools import islice

from ordertrail.intake.channels.edifact import groups, words
from ordertrail.intake.channels.edifact.change import answer_of, change_of
from ordertrail.intake.channels.edifact.order import order_of
from ordertrail.intake.channels.edifact.shipment import shipments
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.edi.edifact import charset, edifact_segments
from ordertrail.intake.edi.envelope import EDIFACT as FRAME
from ordertrail.intake.edi.envelope import Aside, Enclosed, Told, unfolded
from ordertrail.intake.edi.reading import Reading, first
from ordertrail.intake.edi.segments import Segment, decoded
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.json_text import LARGEST
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.intake.parts import message_of

_NAME = "edifact"
_READERS = {"ORDERS": order_of, "ORDCHG": change_of, "ORDRSP": answer_of}
_LONGEST_ID = 512
_HEADER = re.compile(r"(?<![A-Za-z0-9])UNB[^\w\s]")
_NAMED_BY = (("2", "1"), ("2", "2"), ("3", "1"), ("3", "2"), ("5", "1"), ("4", "1"), ("4", "2"))
"""Where UNB has sender, recipient, control reference, date and time."""


class Edifact:
    """Reads EDIFACT interchanges."""

    name = _NAME

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return sender, recipient, control reference, date and time of the interchange; None of a file with several.

        Many partners count anew from time to time, so that the reference alone would take a new one for an old.
        """
        try:
            text = _text(delivery)
            header = next(edifact_segments(text), Segment(""))
        except FaultyError:
            return None
        found = "|".join(header.at(*at) or "" for at in _NAMED_BY)
        is_one = header.tag == "UNB" and len(list(islice(_HEADER.finditer(text), 2))) == 1
        return found if is_one and found.isprintable() and len(found) <= _LONGEST_ID else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what each message tells, and a faulty message for each envelope that something is wrong with."""
        for part in unfolded(edifact_segments(_text(delivery)), FRAME):
            match part:
                case Told():
                    yield Message(part.pointer, Faulty(part.faults))
                case Aside():
                    yield Message(part.pointer, Foreign(part.segment.tag, "a segment outside of messages"))
                case Enclosed() if part.is_too_long:
                    yield Message(part.pointer, Faulty(tuple(part.faults(FRAME))))
                case Enclosed():
                    yield from _messages(part, delivery)


def _text(delivery: Delivery) -> str:
    if len(delivery.body) > LARGEST:
        told = f"{len(delivery.body)} bytes are more than the {LARGEST} that are read"
        raise FaultyError(Fault(Code.TOO_LARGE, "", told))
    return decoded(delivery.body, charset(delivery.body))


def _messages(part: Enclosed, delivery: Delivery) -> Iterator[Message]:
    kind = part.kind
    if kind in _READERS:
        yield _message(part, delivery)
    elif kind == "DESADV":
        yield from shipments(part, delivery)
    elif not kind:
        missing = Fault(Code.MISSING, f"{part.pointer}/UNH/2/1", "UNH does not say which message this is")
        yield Message(part.pointer, Faulty((missing,)))
    else:
        known = words.FOREIGN.get(kind)
        named = f"EDIFACT {kind} ({known})" if known else f"EDIFACT {kind}"
        told = f"{named} is no order, no change or answer and no despatch of one"
        yield Message(part.pointer, Foreign(kind, told))


def _message(part: Enclosed, delivery: Delivery) -> Message:
    document = Document({}, delivery.source.zone).part(part.tree(words.MESSAGES), part.pointer)
    document.faults.extend(part.faults(FRAME))
    root = document.root
    groups.read_envelope(root)
    reading = Reading(delivery.source, document, root)
    beginning = first(root, "BGM", part.kind)
    if beginning is None:
        return message_of(document, root, None, _NAME)
    where, number = (beginning, None) if part.kind == "ORDERS" else groups.order_number(root)
    if number is None and part.kind == "ORDRSP":
        root.fault(Code.MISSING, "RFF", "no RFF+ON says which order is answered")
    elif number is None:
        where, number = beginning, groups.name_of(beginning, "2", required=True)
    order = reading.order(number, None, (where, "1"))
    content = _READERS[part.kind](reading, beginning, order)
    # What a change has left over does not take the place of what the order had at the same place.
    source = _NAME if part.kind == "ORDERS" else f"{_NAME}-{part.kind}"
    return message_of(document, root, content, source, order)

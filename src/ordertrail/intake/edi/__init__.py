"""EDI read tolerantly: ANSI X12 and UN/EDIFACT interchanges made into trees that a channel reads as any document.

::

    bytes -> text -> segments (x12, edifact) -> messages with their envelope (envelope) -> a tree each (segments)

**Places.** A message stands at ``/ISA/0/GS/0/ST/2`` (the third transaction set of the first group of the first
interchange) or ``/UNB/0/UNH/0``, ``/UNB/0/UNG/1/UNH/0``. Within it, a segment is its tag and its turn among those of
the same tag, an element its number, a component its number within the element: ``/BEG/0/3`` is BEG03 and
``/DTM/1/1/2`` the second component of the first element of the second DTM. What belongs to a segment stands beneath
it: ``/N1/1/N4/0/3`` is the postal code of the second party, ``/LIN/0/PRI/0/1/2`` the price of the first line.
Elements are numbers and tags are not, so that the two never meet. The envelope stands in each message's tree once,
without turns: ``/ISA/13``, ``/UNB/5/1``.

**Counts.** A message is judged by its own trailer alone (SE, UNT): without one, with a wrong count of segments or
with another control number it is faulty, for it may have lost lines or gained another's. A group's or an
interchange's trailer (GE, IEA, UNE, UNZ) counts messages: where it is wrong or missing each message in it is still
whole and is read, but one may have been lost, so that a faulty message of the envelope's own tells both numbers.

**Secrets.** Authorization and security information (ISA01 to ISA04, UNB S005, UNG 0058) may be passwords: they are in
no tree, and so in no order, event or log. Only the delivered bytes have them.
"""

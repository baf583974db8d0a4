"""An event's canonical bytes (RFC 8785), fast.

Events hold integers and strings only, so msgspec's sorted encoder writes the very bytes of RFC 8785,
but for one corner: it sorts member names by UTF-8, the RFC by UTF-16 code units. The two orders differ
only where a name beyond U+FFFF meets one from U+E000 to U+FFFF; such bytes send the event to the
reference encoder. Property tests hold both equal.
"""

import re
from typing import Any

import msgspec

from ordertrail.kernel.canonical import canonical
from ordertrail.record.event import Event

_encode = msgspec.json.Encoder(order="sorted").encode
# UTF-8 lead bytes: F0..F4 begin what UTF-16 writes as surrogates (D800..DFFF); EE, EF begin U+E000..U+FFFF.
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
_ABOVE_SURROGATES = re.compile(rb"[\xee\xef]")


def encode(value: Event | msgspec.Struct | dict[str, Any] | list[Any]) -> bytes:
    """Return the RFC 8785 bytes of a value of integers, strings, booleans, nulls, arrays and objects."""
    data = _encode(value)
    if data.isascii() or not (_BEYOND_BMP.search(data) and _ABOVE_SURROGATES.search(data)):
        return data
    return canonical(msgspec.json.decode(data))

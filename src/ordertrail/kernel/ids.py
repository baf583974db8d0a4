"""Identifiers: UUID version 7 (RFC 9562 section 5.7), made where an event is captured.

::

    0                   1                   2                   3
    |          unix milliseconds, 48 bits           | 7 | fraction of a millisecond, 12 |
    | 2 |                        random, 62 bits                                        |

The 12 bits after the version hold the fraction of the millisecond (RFC 9562 section 6.2, method 3),
so ids of one process sort by the time they were made, and sit side by side in an index.
"""

import os
import time
from uuid import UUID

_NANOSECONDS_A_MILLISECOND = 1_000_000
_RANDOM_MASK = (1 << 62) - 1
_VERSION_7 = 7 << 76
_VARIANT = 2 << 62


def new_id() -> str:
    """Return a new UUIDv7 in its lower-case text form."""
    milliseconds, rest = divmod(time.time_ns(), _NANOSECONDS_A_MILLISECOND)
    fraction = (rest << 12) // _NANOSECONDS_A_MILLISECOND
    random = int.from_bytes(os.urandom(8)) & _RANDOM_MASK
    text = f"{milliseconds << 80 | _VERSION_7 | fraction << 64 | _VARIANT | random:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def format_id(data: bytes) -> str:
    """Write the 16 bytes of a UUID as lower-case text."""
    return str(UUID(bytes=data))


def parse_id(text: str) -> bytes:
    """Read a lower-case UUID text into its 16 bytes.

    Raises ValueError for any other spelling: an id has one, or the same event could be recorded twice.
    """
    if len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-":
        digits = text.replace("-", "")
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            data = b""
        if data.hex() == digits and len(data) == 16:
            return data
    raise ValueError("not a UUID in lower case, such as 01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69")

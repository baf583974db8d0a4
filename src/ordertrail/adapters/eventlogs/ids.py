"""Ids of imported events: a UUIDv7 that the same event gets every time it is imported.

An event log seldom carries ids. The trail drops an event whose id it has, so the id is derived from
what the event says, and a second import of the same file adds nothing. Layout (RFC 9562 section 5.7)::

    | unix milliseconds of the event's time, 48 bits | 7 | digest bits 0-11 | 2 | digest bits 12-73 |

- Milliseconds are rounded down and clamped to 0 .. 2**48 - 1: an event of 1948 has 0.
- The digest is SHA-256 over the UTF-8 text, in which lengths count characters::

      <length of log>:<log><length of case>:<case><ordinal>:<length of activity>:<activity><time>

  *log* is the mapping's ``log``; *case* the case's id (in OCEL, which has no cases, the event's own
  id); *ordinal* the event's number within its case, from 1, counting every event of the case that
  the source holds, also those that cannot be translated, so that correcting a mapping changes no
  other event's id; *time* is the event's time in UTC with six digits of fraction and ``Z``. The
  lengths make the text unambiguous: no two different events spell the same text.

Worked example: log ``bpic2019``, case ``2000000000_00001``, its first event ``SRM: Created`` at
2018-01-02T12:53:00Z::

    >>> ids = EventIds("bpic2019")
    >>> ids.make("2000000000_00001", 1, "SRM: Created", "2018-01-02T12:53:00.000000Z", 1514897580000)
    '0160b6ee-9fe0-782f-aa57-386411cb1c16'

Two events of one case with the same activity and time differ by their ordinal. The 74 bits make a
collision among a billion imported events of one millisecond less likely than one in ten thousand.
"""

from hashlib import sha256

_MAX_MILLISECONDS = (1 << 48) - 1
_RANDOM_B_BITS = 62
_RANDOM_B_MASK = (1 << _RANDOM_B_BITS) - 1
_VERSION_7 = 7 << 12
_VARIANT = 2 << 62
_DIGEST_BYTES = 10
"""The bytes that hold the digest's first 74 bits, with 6 to spare."""


class EventIds:
    """Makes the ids of one log's events."""

    __slots__ = ("_log",)

    def __init__(self, log: str) -> None:
        self._log = sha256(f"{len(log)}:{log}".encode())

    def make(self, case: str, ordinal: int, activity: str, time: str, milliseconds: int) -> str:
        """Return the id of an event in lower-case text; ``milliseconds`` are its time's, since 1970.

        Raises UnicodeEncodeError where a text holds what is not Unicode.
        """
        digest = self._log.copy()
        digest.update(f"{len(case)}:{case}{ordinal}:{len(activity)}:{activity}{time}".encode())
        bits = int.from_bytes(digest.digest()[:_DIGEST_BYTES]) >> 6
        clamped = min(max(milliseconds, 0), _MAX_MILLISECONDS)
        high = clamped << 16 | _VERSION_7 | bits >> _RANDOM_B_BITS
        text = f"{high << 64 | _VARIANT | bits & _RANDOM_B_MASK:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

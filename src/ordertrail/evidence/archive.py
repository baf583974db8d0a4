"""The archive of a bundle: a ZIP file in one spelling only.

Members are *stored*, never compressed: there is nothing to unpack, so there is no bomb, and the same members make the
same bytes with every release of every library. They stand in the order of their names, one after the other, from the
first byte on; the times are a constant; there is no comment, no extra field, no data descriptor, no second disk
(PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16)::

    local header (30 bytes), name, bytes                     once a member
    central header (46 bytes), name                          once a member
    end of central directory (22 bytes)

A reader needs no judgement: it takes the members from the local headers, writes the archive anew and compares every
byte. Whatever could make two programs see two things (a name twice, headers that differ, bytes between or after the
members, a path that leaves its folder) is then not the archive that these members make.
"""

import re
import struct
import zlib
from collections.abc import Mapping
from typing import Final

from ordertrail.kernel.errors import InputError

#: Members at most: what the end of the central directory can count without ZIP64 (section 4.4.1.4).
MAX_MEMBERS: Final = 0xFFFE
#: Bytes of an archive at most: what an offset can tell without ZIP64, with room for the directory.
MAX_SIZE: Final = 0xFFFF_0000 - (1 << 28)
#: Characters of a member's name at most.
MAX_NAME: Final = 160

_LOCAL: Final = b"PK\x03\x04"
_CENTRAL: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
#: Version 2.0, no flags, stored, 1 January 1980 00:00: the first time that the format can write.
_FIXED: Final = struct.pack("<HHHHH", 20, 0, 0, 0, 0x0021)
_LOCAL_SIZE: Final = 30
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)


def is_member_name(name: str) -> bool:
    """Whether ``name`` may be a member's: plain ASCII segments between slashes, none of them hidden or above."""
    return len(name) <= MAX_NAME and all(_SEGMENT.fullmatch(part) for part in name.split("/"))


def format_archive(members: Mapping[str, bytes]) -> bytes:
    """Write an archive.

    :raises InputError: if a name is not one, or there is too much for the format without ZIP64.
    """
    odd = next((name for name in members if not is_member_name(name)), None)
    if odd is not None:
        raise InputError(f"{odd[:80]!r} cannot be the name of a member")
    size = sum(map(len, members.values()))
    if len(members) > MAX_MEMBERS or size > MAX_SIZE:
        raise InputError(
            f"a bundle has at most {MAX_MEMBERS:,} members of {MAX_SIZE:,} bytes together",
            remedy="Make several bundles, each of a part of the events.",
        )
    local, central, offset = [], [], 0
    for name in sorted(members):
        data, path = members[name], name.encode()
        about = struct.pack("<III", zlib.crc32(data), len(data), len(data)) + struct.pack("<HH", len(path), 0)
        local += [_LOCAL, _FIXED, about, path, data]
        rest = struct.pack("<HHHII", 0, 0, 0, 0, offset)
        central.append(_CENTRAL + struct.pack("<H", 20) + _FIXED + about + rest + path)
        offset += _LOCAL_SIZE + len(path) + len(data)
    directory = b"".join(central)
    count = len(central)
    end = _END + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), offset, 0)
    return b"".join((*local, directory, end))


def parse_archive(data: bytes) -> dict[str, bytes]:
    """Read an archive.

    :raises InputError: if it is not, to the byte, the one archive that its members make.
    """
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == _LOCAL:
        if len(data) < at + _LOCAL_SIZE:
            raise _no_archive("a header is cut off")
        length, name_length = (
            struct.unpack_from("<I", data, at + 22)[0],
            struct.unpack_from("<H", data, at + 26)[0],
        )
        begin = at + _LOCAL_SIZE + name_length
        at, name = begin + length, data[begin - name_length : begin].decode("ascii", "replace")
        if at > len(data):
            raise _no_archive(f"{name[:80]!r} is cut off")
        if not is_member_name(name) or name in members:
            raise _no_archive(f"{name[:80]!r} is there twice, or is no name of a member")
        members[name] = data[begin:at]
    if not members or len(members) > MAX_MEMBERS or format_archive(members) != data:
        raise _no_archive("its headers, its directory or what stands between them were altered")
    return members


def _no_archive(why: str) -> InputError:
    return InputError(f"this is not a bundle as they are written: {why}")

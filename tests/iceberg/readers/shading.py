"""Moves Java classes into another package, as Maven's shade plug-in does, by their constant pools (JVMS 4.4).

Iceberg's runtime looks for Jackson under ``org/apache/iceberg/shaded/``; Spark has Jackson under its own name.
"""

import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

FROM, TO = "com/fasterxml/jackson", "org/apache/iceberg/shaded/com/fasterxml/jackson"

_UTF8 = 1
_SIZES = {
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 2,
    8: 2,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    15: 3,
    16: 2,
    17: 4,
    18: 4,
    19: 2,
    20: 2,
}
"""Bytes of each other kind of constant, after its tag; a long and a double (5, 6) take two places of the pool."""
_NAMES = re.compile(b"com([/.])fasterxml\\1jackson")


def shade(jars: Iterable[Path], target: Path) -> None:
    """Write a jar with the classes of others, moved."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        for jar in jars:
            with zipfile.ZipFile(jar) as source:
                for name in source.namelist():
                    if name.startswith(FROM) and name.endswith(".class"):
                        out.writestr(name.replace(FROM, TO), b"".join(moved(source.read(name))))


def moved(data: bytes) -> Iterator[bytes]:
    """Yield a class file's bytes with the package's names moved."""
    count = struct.unpack_from(">H", data, 8)[0]
    yield data[:10]
    at, place = 10, 1
    while place < count:
        tag = data[at]
        if tag == _UTF8:
            length = struct.unpack_from(">H", data, at + 1)[0]
            text = _NAMES.sub(_moved_name, data[at + 3 : at + 3 + length])
            yield struct.pack(">BH", tag, len(text)) + text
            at += 3 + length
        else:
            yield data[at : at + 1 + _SIZES[tag]]
            at += 1 + _SIZES[tag]
        place += 2 if tag in {5, 6} else 1
    yield data[at:]


def _moved_name(found: re.Match[bytes]) -> bytes:
    return TO.encode().replace(b"/", found[1])

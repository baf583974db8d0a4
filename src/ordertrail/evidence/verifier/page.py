"""``verify.html``: one file that holds a bundle and the program that checks it.

The page is a frame with one slot. The frame is the same for every bundle and holds ``verify.js`` and ``page.js``; the
slot holds the archive of all other members, in base64. A checker that has the bundle needs no trust in the page: the
manifest names the frame's hash, and the slot's content can be made anew.
"""

import hashlib
import re
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Final

from ordertrail.kernel.errors import InputError

#: What stands before and after the slot.
OPENING: Final = b'<script type="application/octet-stream" id="evidence">'
CLOSING: Final = b"</script>"

_IMPORT = re.compile(r"from ordertrail\.evidence\.verifier\.formats import \([^)]*\)\n")


@cache
def frame() -> bytes:
    """Return the page with nothing in its slot."""
    # A module's ``export`` has no meaning inside a page; what it exports stands beside what uses it.
    core = _read("verify.js").replace("\nexport ", "\n")
    script = f"{core}\n{_read('page.js')}"
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = _read("page.html").replace("{{style}}", _read("page.css")).replace("{{digest}}", digest)
    return page.replace("{{script}}", script).encode()


@cache
def program() -> bytes:
    """Return ``verify.py``, the verifier that needs only Python and ``cryptography``, with its formats put into it."""
    formats = _read("formats.py").split('"""', 2)[2].lstrip()
    return _IMPORT.sub(lambda _: formats, _read("verify.py"), count=1).encode()


def frame_hash() -> str:
    """Return what a manifest says of the page: the SHA-256 of its frame, in hex."""
    return hashlib.sha256(frame()).hexdigest()


def build_page(archive: bytes) -> bytes:
    """Return the page that carries an archive."""
    before, after = frame().split(OPENING + CLOSING)
    return b"".join((before, OPENING, b64encode(archive), CLOSING, after))


def split_page(page: bytes) -> tuple[bytes, bytes]:
    """Return a page's frame, and what its slot holds.

    :raises InputError: if it has no slot, or more than one.
    """
    parts = page.split(OPENING)
    if len(parts) != 2 or CLOSING not in parts[1]:
        raise InputError("the page has not one place for evidence")
    carried, _, rest = parts[1].partition(CLOSING)
    return b"".join((parts[0], OPENING, CLOSING, rest)), carried


def _read(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")

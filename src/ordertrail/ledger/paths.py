"""Where the published tree keeps what C2SP does not name: every checkpoint that was ever published.

``anchors/<size>`` holds the signed checkpoint of that size, sixteen digits, so that names sort by size.
"""

import re

ANCHORS = "anchors"
KEYS = "keys.txt"

_ANCHOR = re.compile(rf"{ANCHORS}/([0-9]{{16}})", re.ASCII)


def anchor_path(size: int) -> str:
    """Return where the checkpoint of this size is kept."""
    return f"{ANCHORS}/{size:016d}"


def anchor_size(path: str) -> int | None:
    """Return the size that an anchor's path names, or None for another path."""
    match = _ANCHOR.fullmatch(path)
    return int(match[1]) if match else None

"""How texts are written in a filter: bare where they can be, else in quotes."""

import re

_BARE = re.compile(r"[^\s\"\\:,<>=()-][^\s\"\\,()]*")
_BARE_WORD = re.compile(r"[^\s\"\\:,<>=()-][^\s\"\\:,()]*")


def quoted(text: str, *, word: bool = False) -> str:
    """Write a text; a ``word`` that stands alone must not look like a field with its colon."""
    if (_BARE_WORD if word else _BARE).fullmatch(text) and (word or text != "*"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquoted(text: str) -> str:
    """Read what :func:`quoted` wrote."""
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)

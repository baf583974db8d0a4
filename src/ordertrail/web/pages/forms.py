"""Forms that a page sends: small, of plain fields, read once and bounded."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from ordertrail.kernel.errors import InputError
from ordertrail.web.auth.csrf import LARGEST_FORM

_LARGEST: Final = LARGEST_FORM
"""Bytes of the largest form; what is larger could not have brought its token."""
_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Posted:
    """The fields of a form, in their sequence."""

    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return a field, the last of several, empty where there is none."""
        return dict(self.fields).get(name, "")

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a name: of boxes that are ticked, say."""
        return tuple(value for known, value in self.fields if known == name)


async def posted(request: Request) -> Posted:
    """Read a form (application/x-www-form-urlencoded). Raises InputError for what is none, or too large."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length[:9]) > _LARGEST:
        raise InputError(f"a form has up to {_LARGEST:,} bytes, and says how many")
    try:
        fields = parse_qsl(
            (await request.body()).decode(),
            keep_blank_values=True,
            strict_parsing=False,
            max_num_fields=_FIELDS,
        )
    except ValueError as error:
        raise InputError(f"the form cannot be read: {error}") from None
    return Posted(tuple(fields))

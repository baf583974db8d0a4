"""Marks on rows: whoever may write to the database of access, and has no key of it, gives nobody rights.

Each row that lets somebody in carries HMAC-SHA256 of its table's name and its values in canonical JSON (bytes in hex),
but for those that only say when it was used last. An account with other roles, a session or an invitation that was
slipped in, a key whose end was moved: none is read. What is not seen is an older row that was put back whole.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Table

from ordertrail.access.secrets import Box
from ordertrail.kernel.errors import EvidenceError
from ordertrail.record.encoding import encode

MARK: Final = "mark"
"""The column of the mark."""

USED: Final = frozenset({MARK, "seen", "used"})
"""Columns that the mark does not cover: a use is remembered without it."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks rows, and checks them."""

    box: Box

    def marked(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row with its mark."""
        return {**row, MARK: self._mark(table, row)}

    def checked(self, table: Table, row: Row[Any]) -> Row[Any]:
        """Return a row whose mark is right. Raises EvidenceError for any other."""
        values = row._asdict()
        if not hmac.compare_digest(bytes(values[MARK] or b""), self._mark(table, values)):
            raise EvidenceError(
                f"a row of {table.name} was not written by this program, or was changed since",
                meaning="Somebody may have tried to give themselves rights; nobody is let in by it.",
                remedy="Look who can write to the database of access; give anew what the row gave. Where the key of "
                "access in keys/ was lost, put it back; without it accounts are begun anew, in an empty database.",
            )
        return row

    def _mark(self, table: Table, row: Mapping[str, Any]) -> bytes:
        told = {
            str(name): bytes(value).hex() if isinstance(value, bytes | memoryview) else value
            for name, value in row.items()
            if name not in USED
        }
        return self.box.mark(encode({"table": str(table.name), "row": told}))

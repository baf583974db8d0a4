"""SHA-256 of many messages at a time, and the full check's hot loops, for OrderTrail.

Optional: whatever is here, OrderTrail does the same in Python, only slower. ``ordertrail.ledger.hashing`` decides
whether it is used. Each function's docstring says what it promises.
"""

from ordertrail_native._engine import (
    INTERFACE,
    check_rows,
    format_bundle,
    implementations,
    in_use,
    is_bundle,
    leaf_hashes,
    parents,
    parents_of_row,
    use,
)

__all__ = [
    "INTERFACE",
    "check_rows",
    "format_bundle",
    "implementations",
    "in_use",
    "is_bundle",
    "leaf_hashes",
    "parents",
    "parents_of_row",
    "use",
]

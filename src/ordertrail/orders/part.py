"""What all parts of an order are: frozen, strict, and silent about what is absent.

A field that is absent is left out of the JSON, and so are an empty list and ``false`` where it is the default: every
order has one spelling. No field has a text or a number as its default, because msgspec leaves a default out by
identity, and equal texts need not be identical.
"""

import msgspec


class Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A part of an order, or the order itself."""

"""Ids of orders, made of what the source calls them, so that the same order arriving twice is the same order."""

from ordertrail.orders.words import CHECKS


def order_id(channel: str, account: str, source_id: str) -> str:
    """Return our id of a source's order: ``shopify:main:450789469``.

    Two orders never share one: a colon or per cent sign inside a part is written ``%3A`` or ``%25``. Raises ValueError
    for a part that is empty or has a control character, and for an id of more than 512 characters.
    """
    parts = {"channel": channel, "account": account, "source id": source_id}
    for name, part in parts.items():
        problem = CHECKS["id"](part)
        if problem is not None:
            raise ValueError(f"the {name} {problem}")
    made = ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts.values())
    problem = CHECKS["id"](made)
    if problem is not None:
        raise ValueError(f"the order's id {problem}")
    return made


def parse_order_id(text: str) -> tuple[str, str, str]:
    """Return the channel, the account and the source's id of an order's id. Raises ValueError for any other text."""
    parts = [part.replace("%3A", ":").replace("%25", "%") for part in text.split(":")]
    if len(parts) != 3 or any(not part for part in parts) or order_id(*parts) != text:
        raise ValueError(f"{text[:80]!r} is not an order's id of the form channel:account:id")
    return parts[0], parts[1], parts[2]

"""Numbers of things, as a person writes them."""


def count(number: int, thing: str, things: str | None = None) -> str:
    """Write a number of things: ``1 event``, ``1,204 events``; ``things`` where an s does not do."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"

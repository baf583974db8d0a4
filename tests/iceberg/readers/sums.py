"""What every engine is asked of each table: how many rows, and the sums of its numbers; the same SQL for all."""

SUMS = {
    "events": ("position", "number"),
    "changes": ("position", "place", "delta"),
    "marks": ("position",),
    "orders": ("position", "number"),
    "days": ("events",),
    "hours": ("events",),
    "money": ("events", "raised", "lowered"),
    "moves": ("position", "delta"),
    "firsts": ("time",),
}


def columns(table: str) -> str:
    """Return the select list for a table: counts and sums as texts, because engines' types differ."""
    sums = (f"cast(cast(coalesce(sum({name}), 0) as decimal(38, 0)) as varchar(40))" for name in SUMS[table])
    return ", ".join(("cast(count(*) as varchar(40))", *sums))

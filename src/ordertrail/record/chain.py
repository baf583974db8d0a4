"""An order's chain: its name, under which the events of one order of one tenant are numbered and linked.

The name is the order, a tab and the tenant (empty where there is none): ids hold no control characters, so two
orders never share a name, and the names of one order's chains in all tenants stand side by side.
"""

SEPARATOR = "\t"


def chain_name(order: str | None, tenant: str | None) -> str | None:
    """Return the name of the chain that an event belongs to, None where it belongs to no order."""
    return None if order is None else order + SEPARATOR + (tenant or "")

"""Door 1: what an application does to its order tables becomes events, in the same transaction.

::

    from ordertrail.capture import Policy, acting
    from ordertrail.capture.outbox import create_outbox, pending
    from ordertrail.capture.sqlalchemy import capture

    policy = Policy.from_dict({"tables": {"orders": {"order": "id"}, "order_lines": {"order": "order_id"}}})
    create_outbox(engine)
    capture(engine, policy)
    with acting("clerk-17", roles=["order.editor"], ip="203.0.113.7", reason="customer called"):
        session.commit()

Importing this imports no database library; each adapter imports its own.
"""

from ordertrail.capture.context import acting, carried, current
from ordertrail.capture.policy import Policy

__all__ = ["Policy", "acting", "carried", "current"]

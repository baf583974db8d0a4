"""The guard: triggers that record what reaches an audited table without passing the application.

::

    ordertrail guard install --database postgresql://owner@host/shop --policy capture.toml

Capture records what an application does over its own engine. psql, another program, a migration or a DBA goes past
it; the guard sees that in the database itself, and makes an event ``capture.bypass`` of it: the row before and after,
the database user, the client's address, and the time of the statement.

**How it knows what capture recorded.** It trusts no mark that a program could set. It compares: the triggers note each
row change of a transaction, and the outbox rows of the same transaction say which changes capture recorded. What is
left over is a bypass. To hide a change from the guard one would have to record it.

On PostgreSQL the comparison is made by a deferred constraint trigger when the transaction commits, after capture has
written its outbox rows; on SQLite, which has no such thing, capture's outbox rows take the noted changes away that they
tell, and whatever is left when a transaction has committed is a bypass, which the relay moves into the outbox.

Modules: :mod:`.tables` settles what is noted of which table, :mod:`.postgresql` and :mod:`.sqlite` make SQL of it and
check what is installed, :mod:`.settling` is the relay's part on SQLite.
"""

from ordertrail.capture.guard.installing import check_guard, guard_sql, install_guard, remove_guard

__all__ = ["check_guard", "guard_sql", "install_guard", "remove_guard"]

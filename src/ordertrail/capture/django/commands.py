"""Management commands: what they change carries which command and which run of it was the cause.

Django sends no signal when a command runs, so the one method that every command runs through is wrapped.
"""

from functools import wraps
from typing import Any

from django.core.management.base import BaseCommand

from ordertrail.capture.context import acting, current
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Cause

_MARK = "_ordertrail"


def carry_commands() -> None:
    """Have each command carry its cause from here on; said twice, it does so once."""
    execute = BaseCommand.execute
    if getattr(execute, _MARK, False):
        return

    @wraps(execute)
    def carrying(self: BaseCommand, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        cause = Cause("job", f"{name}/{new_id()}")
        if current().actor is not None:  # called from a request or a task, which stays who acts
            with acting(cause=cause):
                return execute(self, *args, **options)
        # Nobody but the system, until the command itself says otherwise: maintenance, by the policy's default.
        with acting(f"command:{name}", kind="system", channel="command", cause=cause):
            return execute(self, *args, **options)

    setattr(carrying, _MARK, True)
    BaseCommand.execute = carrying  # type: ignore[method-assign]

"""Work that is done later, by another process: who asked for it, carried in the job's headers.

:func:`packed` makes headers of who acts here; :func:`unpacked` is the ``acting`` block of the job that carries them,
with the job as its cause. Celery is done by :mod:`ordertrail.capture.celery`. For RQ and its like::

    queue.enqueue(task, meta=packed())

    def task():
        with unpacked(get_current_job().meta, job=get_current_job().id): ...

Headers are believed as the queue is: whoever can write into it can say that it acts for anybody.
"""

import getpass
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from ordertrail.capture.batch import Who
from ordertrail.capture.context import Frame, acting, current
from ordertrail.record.event import Cause, Context

HEADER = "ordertrail"
"""The one header that is used; its value is JSON text."""


def packed(frame: Frame | None = None) -> dict[str, str]:
    """Return headers that say who acts here, for a job to carry; empty where nobody said so."""
    frame = frame or current()
    if frame.actor is None and frame.context == Context():
        return {}
    return {HEADER: frame.encoded((), Context()).decode()}


def unpacked(headers: Mapping[str, Any] | None, *, job: str, kind: str = "job") -> acting:
    """Return the block of a job: whoever asked for it acts, and the job is the cause.

    Headers that say nothing, or nothing that can be read, leave the actor open.
    """
    cause = Cause("message" if kind == "message" else "job", job)
    told = (headers or {}).get(HEADER)
    try:
        who = msgspec.json.decode(told, type=Who) if told else None
    except (msgspec.MsgspecError, TypeError):
        who = None
    if who is None:
        return acting(cause=cause)
    said = {
        name: value
        for name in Context.__struct_fields__
        if name != "tags" and isinstance(value := getattr(who.context, name), str)
    }
    actor = who.actor
    known = actor.id != "unknown" or actor.kind != "system"
    return acting(
        actor.id if known else None,
        roles=actor.roles if known else None,
        kind=actor.kind if known else None,
        on_behalf_of=actor.on_behalf_of,
        session=actor.session,
        tags=who.context.tags,
        cause=cause,
        **said,
    )


def command(name: str | None = None, **circumstances: Any) -> acting:
    """Return the block of a program run by hand: the system's user acts, in the channel ``cli``.

    ``command("reprice")`` around a script's work says what it is called; its cause is the program's name.
    """
    circumstances.setdefault("channel", "cli")
    return acting(getpass.getuser(), cause=Cause("job", name or sys.argv[0] or "python"), **circumstances)

"""Celery: a task is done in the name of whoever asked for it, with the task as its cause.

::

    from ordertrail.capture.celery import connect
    connect()                       # once, in the program that sends and in the worker
"""

from typing import TYPE_CHECKING, Any

from ordertrail.capture.jobs import HEADER, packed, unpacked

if TYPE_CHECKING:
    from ordertrail.capture.context import acting

_BLOCK = "ordertrail_block"


def connect() -> None:
    """Listen to Celery's signals: headers are added to what is sent, and read where it is done. Once is enough."""
    from celery.signals import before_task_publish, task_postrun, task_prerun

    before_task_publish.connect(_send, weak=False, dispatch_uid="ordertrail-send")
    task_prerun.connect(_begin, weak=False, dispatch_uid="ordertrail-begin")
    task_postrun.connect(_end, weak=False, dispatch_uid="ordertrail-end")


def _send(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        headers.update(packed())


def _begin(task_id: str, task: Any, **_: Any) -> None:
    request = task.request
    told = getattr(request, HEADER, None) or (request.headers or {}).get(HEADER)
    block = unpacked({HEADER: told} if told else None, job=task_id)
    block.__enter__()
    request.__dict__[_BLOCK] = block


def _end(task: Any, **_: Any) -> None:
    block: acting | None = task.request.__dict__.pop(_BLOCK, None)
    if block is not None:
        block.__exit__(None, None, None)

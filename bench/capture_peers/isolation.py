"""A piece of work in a process forked for it, so that what it breaks in a library harms no other."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from bench.capture_peers.verdict import Crash

Result = TypeVar("Result")
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[Result]):
    value: Result


def apart(work: Callable[[], Result]) -> Result | Crash:
    """Do the work in a fork of this process and return its result, which pickle must be able to carry."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(work, sending))
    process.start()
    sending.close()
    try:
        if not receiving.poll(_PATIENCE):
            return Crash(f"it did not end in {_PATIENCE:g} s")
        told = receiving.recv()
    except EOFError:
        return Crash("its process died")
    finally:
        process.kill()
        process.join()
        receiving.close()
    return told.value if isinstance(told, _Outcome) else Crash(str(told))


def _do(work: Callable[[], object], sending: Connection) -> None:
    try:
        sending.send(_Outcome(work()))
    except Exception as error:  # noqa: BLE001 - whatever a library raises is its result
        line = next(iter(str(error).strip().splitlines()), "")
        sending.send(f"{type(error).__name__}: {line}" if line else type(error).__name__)

"""Makes the exports that wait: one thread of each process that serves, one export at a time.

That it was asked for is on record before it waits, what came of it before it is offered, and each download before its
first byte. *If the process dies here*, the export is held by nobody: whichever process looks next begins it anew, and
after some tries it is reported as failed. Whoever asked must still be allowed what they asked for when it is made.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import BinaryIO, Final

from fastapi import FastAPI

from ordertrail.access.account import Account
from ordertrail.access.principal import Principal, Scope
from ordertrail.access.recognising import contains
from ordertrail.access.roles import verbs_of
from ordertrail.access.telling import Deed, Where, actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import OrderTrailError
from ordertrail.query.service import Query
from ordertrail.record.event import Change, Subject
from ordertrail.services import Services
from ordertrail.takeout.ports import Takeouts
from ordertrail.takeout.takeout import LARGEST, Bounds, Stage, Takeout
from ordertrail.web.api.exporting import Export
from ordertrail.web.api.exports import FORMS, Format
from ordertrail.web.auth.scoping import scoped

_log: Final = logging.getLogger(__name__)
_LOOK: Final = 5.0
"""Seconds between two looks for exports that other processes left."""
_TOLD: Final = 1.0
"""Seconds between two times that it is written down how far an export is."""
_HERE: Final = Where(ip=None, user_agent=None, request=None, trace=None, channel="web")
_making: Final = Lock()


class _GivenUpError(Exception):
    """The export is not wanted any more, or not now."""


class Maker:
    """Makes exports in a thread of its own, which begins when the first one is asked for, or found waiting."""

    def __init__(self, services: Services, store: Takeouts) -> None:
        self._services = services
        self.store = store
        self._bell = Event()
        self._stopping = Event()
        self._lock = Lock()
        self._thread: Thread | None = None

    def ring(self) -> None:
        """Have it look at once."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = Thread(target=self._run, name="exports", daemon=True)
                self._thread.start()
        self._bell.set()

    def stop(self) -> None:
        """Have it put back what it makes, and end."""
        self._stopping.set()
        self._bell.set()
        thread = self._thread
        if thread is not None:
            thread.join(_LOOK)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                self.work()
            except OrderTrailError as error:
                _log.warning("exports cannot be made now: %s", error.message)
            except Exception:  # noqa: BLE001 - a thread of its own: the next export is made all the same
                _log.exception("an export ended unforeseen")
            self._bell.wait(_LOOK)

    def work(self) -> None:
        """Make all that waits, and remove the files whose links have ended."""
        for one in self.store.every():
            if self._stopping.is_set():
                return
            now = self._services.trail.clock()
            if one.is_past(now):
                self.store.forget(one.id)
            elif one.is_over(now):
                self._change(one, one.expired())
            elif one.stage.is_open:
                with self.store.hold(one.id) as held:
                    stands = self.store.get(one.id) if held else None
                    if stands is not None and stands.stage.is_open:
                        self._make(stands.begun())

    def _change(self, before: Takeout, after: Takeout) -> None:
        self.store.put(after)
        self.store.discard(before.id)

    def _make(self, takeout: Takeout) -> None:
        self.store.put(takeout)
        try:
            if takeout.stage is Stage.FAILED:
                self._tell(takeout, "failed", [("why", takeout.why)])
                return
            self._write(takeout)
        except _GivenUpError:
            self.store.discard(takeout.id)
            if self._stopping.is_set():
                self.store.put(takeout.put_back())
        except OrderTrailError as error:
            self._fail(takeout, error.message)
        except Exception as error:
            self._fail(
                takeout, f"it ended unforeseen ({type(error).__name__}); the log of the service says how"
            )
            raise

    def _fail(self, takeout: Takeout, why: str) -> None:
        self._change(takeout, takeout.failed(why))
        self._tell(takeout, "failed", [("why", why)])

    def _write(self, takeout: Takeout) -> None:
        query = self._query(takeout)
        if query is None:
            self._fail(takeout, "whoever asked for it may not have it any more")
            return
        told = time.monotonic()

        def advance(events: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _TOLD:
                told = time.monotonic()
                self._progress(takeout, events, written.size)

        export = Export(query, query.parse(takeout.filter), takeout.most, told=advance)
        with self.store.begin(takeout.id) as file:
            written = _Written(file)
            for chunk in FORMS[Format(takeout.form)].written(export):
                written.write(chunk)
                if written.size > LARGEST:
                    self._fail(takeout, f"it is larger than {LARGEST:,} bytes; narrow it down")
                    return
                advance(export.events)
            if not export.whole and export.events < export.most:
                self._fail(takeout, "it broke off; the log of the service says how")
                return
            self._progress(takeout, export.events, written.size)
            self.store.finish(takeout.id, file)
        ready = takeout.ready(
            self._services.trail.clock(), whole=export.whole, sha256=written.sha256, size=written.size
        )
        whole = str(export.whole).lower()
        facts: list[tuple[str, str | int]] = [
            ("events", export.events),
            ("whole", whole),
            ("bytes", written.size),
        ]
        self._tell(takeout, "made", [*facts, ("sha256", written.sha256)])
        self.store.put(replace(ready, events=export.events))

    def _progress(self, takeout: Takeout, events: int, size: int) -> None:
        """Write down how far it is. Raises _GivenUpError where it is to end here."""
        now = self.store.get(takeout.id)
        if self._stopping.is_set() or now is None or not now.stage.is_open:
            raise _GivenUpError
        self.store.put(replace(takeout, events=events, size=size))

    def _query(self, takeout: Takeout) -> Query | None:
        """Return what answers with what whoever asked may see; None where they may not have it any more."""
        account = self._account(takeout)
        scope = scope_of(takeout.bounds)
        if account is None or not contains(account.scope, scope):
            return None
        who = Principal(account.id, account.kind.value, account.title, (), frozenset(), scope)
        return scoped(self._services.query, who)

    def _account(self, takeout: Takeout) -> Account | None:
        account = self._services.access.people.accounts.get(takeout.owner)
        if account is None or not account.active or Verb.EXPORTS_MAKE not in verbs_of(account.roles):
            return None
        return account

    def _tell(self, takeout: Takeout, what: str, details: Sequence[tuple[str, str | int]]) -> None:
        """Put on record what came of an export, in the name of whom it is for."""
        account = self._services.access.people.accounts.get(takeout.owner)
        if account is None:
            return
        changes = [Change(f"/{name}", after=value) for name, value in details]
        deed = Deed("evidence.read", actor_of(account), Subject("export", takeout.id), _HERE, what, changes)
        self._services.access.teller.tell(deed, outcome="failed" if what == "failed" else "success")


class _Written:
    """A file as it is written: its size and its hash."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def bounds_of(scope: Scope) -> Bounds:
    """Return a scope as an export keeps it."""
    tenants = None if scope.tenants is None else tuple(sorted(scope.tenants))
    return Bounds(tenants, tuple(sorted(scope.channels)), tuple(sorted(scope.regions)))


def scope_of(bounds: Bounds) -> Scope:
    """Return the scope of what an export holds."""
    tenants = None if bounds.tenants is None else frozenset(bounds.tenants)
    return Scope(tenants, frozenset(bounds.channels), frozenset(bounds.regions))


def maker_of(app: FastAPI) -> Maker | None:
    """Return what makes an application's exports, made at first use; None where it keeps none."""
    with _making:
        if not hasattr(app.state, "maker"):
            store: Takeouts | None = getattr(app.state, "takeouts", None)
            app.state.maker = None if store is None else Maker(app.state.services, store)
        maker: Maker | None = app.state.maker
        return maker

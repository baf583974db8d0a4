"""Cases and custody in SQL: SQLite beside the trail, or PostgreSQL; the same statements."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import URL, Connection, Engine, Row, create_engine, event, exc, insert, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection

from ordertrail.adapters.evidence.tables import bundles, case_acts, custody_acts, metadata
from ordertrail.adapters.state import create_tables, write_ahead
from ordertrail.evidence.cases import Act, ActKind, Pinned
from ordertrail.evidence.custody import CustodyAct, CustodyKind, Kept
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.errors import UnavailableError


def open_engine(place: str | Path, password: str | None = None) -> Engine:
    """Open the database of cases and custody, at a file or a URL, and create its tables where they are not there.

    Raises UnavailableError where it cannot be used now.
    """
    address = _address(place, password)
    engine = create_engine(address)
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _durable)
    with translated():
        create_tables(engine, metadata)
    return engine


def _address(place: str | Path, password: str | None) -> URL:
    if isinstance(place, Path):
        return URL.create("sqlite", database=str(place))
    address = make_url(place)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    return address if password is None else address.set(password=password)


def _durable(connection: DBAPIConnection, _record: object) -> None:
    write_ahead(connection)


@contextmanager
def translated() -> Iterator[None]:
    """Tell the driver's errors in our own words."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise UnavailableError(
            f"the database of cases and custody cannot be used now: {error.args[0]}",
            meaning="The trail has everything that was told; the act was not added and can be done again.",
            remedy="Look at the database, and try again.",
        ) from error


class _Book:
    """What both books share: a database to which rows are added."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(), self._engine.connect() as connection:
            yield connection

    def _added(self, table: object, values: dict[str, object]) -> bool:
        """Add a row; False where one of its key is there."""
        try:
            with translated(), self._engine.begin() as connection:
                connection.execute(insert(table).values(values))  # type: ignore[arg-type]
        except exc.IntegrityError:
            return False
        return True


class SqlCaseBook(_Book):
    """Implements :class:`ordertrail.evidence.ports.CaseBook`."""

    def append(self, act: Act) -> bool:
        """See the port."""
        pinned = act.pinned
        return self._added(
            case_acts,
            {
                "case_id": act.case,
                "number": act.number,
                "kind": str(act.kind),
                "by": act.by,
                "at": act.at,
                "event": act.event,
                "person": int(act.person),
                "text": act.text,
                "template": act.template,
                "pinned_event": pinned and pinned.event,
                "pinned_stream": pinned and pinned.stream,
                "pinned_index": None if pinned is None else pinned.index,
                "pinned_entry": pinned and pinned.entry,
                "pinned_proof": pinned and pinned.proof,
                "set_aside": act.set_aside,
                "sample": None if act.sample is None else msgspec.json.encode(act.sample),
            },
        )

    def acts(self, case: str) -> Sequence[Act]:
        """See the port."""
        found = select(case_acts).where(case_acts.c.case_id == case).order_by(case_acts.c.number)
        with self._reading() as connection:
            return [_act(row) for row in connection.execute(found)]

    def cases(self, limit: int = 100, before: str | None = None) -> Sequence[str]:
        """See the port. Ids are UUIDs of version 7: their order is that of the times at which they were made."""
        found = select(case_acts.c.case_id).where(case_acts.c.number == 1)
        if before is not None:
            found = found.where(case_acts.c.case_id < before)
        with self._reading() as connection:
            return list(connection.scalars(found.order_by(case_acts.c.case_id.desc()).limit(limit)))


def _act(row: Row[tuple[object, ...]]) -> Act:
    pinned = None
    if row.pinned_event is not None:
        pinned = Pinned(
            row.pinned_event,
            row.pinned_stream,
            row.pinned_index,
            bytes(row.pinned_entry),
            bytes(row.pinned_proof),
        )
    return Act(
        row.case_id,
        row.number,
        ActKind(row.kind),
        row.by,
        row.at,
        row.event,
        bool(row.person),
        row.text,
        row.template,
        pinned,
        row.set_aside,
        None if row.sample is None else msgspec.json.decode(bytes(row.sample), type=Sampled),
    )


class SqlCustodyBook(_Book):
    """Implements :class:`ordertrail.evidence.ports.CustodyBook`."""

    def keep(self, kept: Kept) -> None:
        """See the port."""
        self._added(
            bundles,
            {
                "bundle": kept.bundle,
                "about": kept.about,
                "length": kept.length,
                "sha256": kept.sha256,
                "manifest": kept.manifest,
                "case_id": kept.case,
            },
        )

    def append(self, act: CustodyAct) -> bool:
        """See the port."""
        return self._added(
            custody_acts,
            {
                "bundle": act.bundle,
                "number": act.number,
                "kind": str(act.kind),
                "by": act.by,
                "at": act.at,
                "event": act.event,
                "link": act.link,
                "until": act.until,
                "whom": act.whom,
            },
        )

    def find(self, bundle: str) -> Kept | None:
        """See the port."""
        with self._reading() as connection:
            row = connection.execute(select(bundles).where(bundles.c.bundle == bundle)).one_or_none()
            return None if row is None else _kept(connection, row)

    def bundles(self, limit: int = 100, before: str | None = None) -> Sequence[Kept]:
        """See the port."""
        found = select(bundles)
        if before is not None:
            found = found.where(bundles.c.bundle < before)
        with self._reading() as connection:
            rows = connection.execute(found.order_by(bundles.c.bundle.desc()).limit(limit)).all()
            return [_kept(connection, row) for row in rows]


def _kept(connection: Connection, row: Row[tuple[object, ...]]) -> Kept:
    theirs = select(custody_acts).where(custody_acts.c.bundle == row.bundle).order_by(custody_acts.c.number)
    custody = tuple(
        CustodyAct(
            one.bundle,
            one.number,
            CustodyKind(one.kind),
            one.by,
            one.at,
            one.event,
            one.link,
            one.until,
            one.whom,
        )
        for one in connection.execute(theirs)
    )
    return Kept(row.bundle, row.about, row.length, row.sha256, row.manifest, row.case_id, custody)

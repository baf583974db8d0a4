"""Where views and links are kept: two tables, each change one statement or one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from ordertrail.kernel.errors import UnavailableError
from ordertrail.views.saved import MOST, Link, SavedView

_metadata = MetaData()

_views = Table(
    "saved_view",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("owner", Text, nullable=False, index=True),
    Column("team", Boolean, nullable=False),
    Column("saved", Text, nullable=False),
    UniqueConstraint("owner", "name"),
)
_links = Table(
    "permanent_link",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("made", Text, nullable=False),
    Column("rows", Integer),
)


class SqlViews:
    """Keeps views and links; see :class:`ordertrail.views.ports.Views`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with self._begun() as connection:
            _metadata.create_all(connection)

    @classmethod
    def at(cls, path: Path) -> "SqlViews":
        """Return a store in a SQLite file, which is made where it is not there."""
        return cls(create_engine(f"sqlite:///{path}", connect_args={"timeout": 10.0}))

    def save(self, view: SavedView) -> bool:
        """See the port."""
        try:
            with self._begun() as connection:
                own = select(func.count()).select_from(_views).where(_views.c.owner == view.owner)
                if (connection.scalar(own) or 0) >= MOST:
                    return False
                connection.execute(
                    _views.insert().values(
                        id=view.id,
                        name=view.name,
                        address=view.address,
                        owner=view.owner,
                        team=view.team,
                        saved=view.saved,
                    )
                )
        except IntegrityError:
            return False
        return True

    def remove(self, view: str, owner: str) -> bool:
        """See the port."""
        with self._begun() as connection:
            gone = connection.execute(delete(_views).where(_views.c.id == view, _views.c.owner == owner))
        return gone.rowcount == 1

    def seen_by(self, owner: str) -> Sequence[SavedView]:
        """See the port."""
        columns = (
            _views.c.id,
            _views.c.name,
            _views.c.address,
            _views.c.owner,
            _views.c.team,
            _views.c.saved,
        )
        asked = (
            select(*columns)
            .where(or_(_views.c.owner == owner, _views.c.team))
            .order_by(_views.c.name, _views.c.id)
        )
        with self._begun() as connection:
            return [SavedView(*row) for row in connection.execute(asked)]

    def add_link(self, link: Link) -> None:
        """See the port."""
        with self._begun() as connection:
            connection.execute(
                _links.insert().values(
                    id=link.id,
                    address=link.address,
                    zone=link.zone,
                    owner=link.owner,
                    made=link.made,
                    rows=link.rows,
                )
            )

    def link(self, name: str) -> Link | None:
        """See the port."""
        columns = (_links.c.id, _links.c.address, _links.c.zone, _links.c.owner, _links.c.made, _links.c.rows)
        with self._begun() as connection:
            row = connection.execute(select(*columns).where(_links.c.id == name)).one_or_none()
        return None if row is None else Link(*row)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise UnavailableError(
                f"saved views cannot be reached: {error.orig}",
                meaning="Nothing was kept; evidence is untouched.",
            ) from error

"""The ports of access over its tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, exc, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ordertrail.access.account import Account, Bound
from ordertrail.access.key import ApiKey
from ordertrail.access.session import Session
from ordertrail.access.throttle import Bucket, Held, tried
from ordertrail.access.ticket import Purpose, Ticket
from ordertrail.adapters.access.database import AccessDatabase
from ordertrail.adapters.access.marking import Marks
from ordertrail.adapters.access.rows import (
    account_row,
    key_row,
    read_account,
    read_key,
    read_session,
    session_row,
)
from ordertrail.adapters.access.tables import accounts, attempts, keys, sessions
from ordertrail.adapters.access.tables import tickets as ticket_table
from ordertrail.kernel.clock import format_time, parse_time


@dataclass(frozen=True, slots=True)
class SqlAccounts:
    """Implements :class:`ordertrail.access.ports.Accounts`."""

    database: AccessDatabase
    marks: Marks

    def get(self, account: str) -> Account | None:
        """See the port."""
        return self._one(accounts.c.id == account)

    def named(self, name: str) -> Account | None:
        """See the port."""
        return self._one(accounts.c.name == name)

    def bound(self, bound: Bound) -> Account | None:
        """See the port."""
        return self._one((accounts.c.issuer == bound.issuer) & (accounts.c.subject == bound.subject))

    def every(self) -> Sequence[Account]:
        """See the port."""
        with self.database.reading() as connection:
            return [
                read_account(self.marks.checked(accounts, row))
                for row in connection.execute(select(accounts).order_by(accounts.c.name))
            ]

    def put(self, account: Account) -> bool:
        """See the port."""
        row = self.marks.marked(accounts, account_row(account))
        try:
            with self.database.writing() as connection:
                if account.version == 0:
                    connection.execute(insert(accounts).values(row))
                    return True
                before = (accounts.c.id == account.id) & (accounts.c.version == account.version - 1)
                return connection.execute(update(accounts).where(before).values(row)).rowcount == 1
        except exc.IntegrityError:
            return False

    def _one(self, meant: ColumnElement[bool]) -> Account | None:
        with self.database.reading() as connection:
            row = connection.execute(select(accounts).where(meant)).first()
        return None if row is None else read_account(self.marks.checked(accounts, row))


@dataclass(frozen=True, slots=True)
class SqlSessions:
    """Implements :class:`ordertrail.access.ports.Sessions`."""

    database: AccessDatabase
    marks: Marks

    def get(self, digest: str) -> Session | None:
        """See the port."""
        with self.database.reading() as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == digest)).first()
        return None if row is None else read_session(self.marks.checked(sessions, row))

    def add(self, session: Session, instead_of: str | None = None) -> None:
        """See the port."""
        with self.database.writing() as connection:
            if instead_of is not None:
                connection.execute(delete(sessions).where(sessions.c.digest == instead_of))
            connection.execute(insert(sessions).values(self.marks.marked(sessions, session_row(session))))

    def touch(self, digest: str, seen: datetime) -> None:
        """See the port."""
        with self.database.writing() as connection:
            connection.execute(
                update(sessions).where(sessions.c.digest == digest).values(seen=format_time(seen))
            )

    def drop(self, *digests: str) -> None:
        """See the port."""
        if digests:
            with self.database.writing() as connection:
                connection.execute(delete(sessions).where(sessions.c.digest.in_(digests)))

    def of(self, account: str) -> Sequence[Session]:
        """See the port."""
        with self.database.reading() as connection:
            found = connection.execute(
                select(sessions).where(sessions.c.account == account).order_by(sessions.c.created)
            )
            return [read_session(self.marks.checked(sessions, row)) for row in found]


@dataclass(frozen=True, slots=True)
class SqlApiKeys:
    """Implements :class:`ordertrail.access.ports.ApiKeys`."""

    database: AccessDatabase
    marks: Marks

    def get(self, key: str) -> ApiKey | None:
        """See the port."""
        with self.database.reading() as connection:
            row = connection.execute(select(keys).where(keys.c.id == key)).first()
        return None if row is None else read_key(self.marks.checked(keys, row))

    def of(self, account: str | None) -> Sequence[ApiKey]:
        """See the port."""
        query = select(keys).order_by(keys.c.created, keys.c.id)
        if account is not None:
            query = query.where(keys.c.account == account)
        with self.database.reading() as connection:
            return [read_key(self.marks.checked(keys, row)) for row in connection.execute(query)]

    def add(self, key: ApiKey) -> None:
        """See the port."""
        with self.database.writing() as connection:
            connection.execute(insert(keys).values(self.marks.marked(keys, key_row(key))))

    def used(self, key: str, moment: datetime) -> None:
        """See the port."""
        with self.database.writing() as connection:
            connection.execute(update(keys).where(keys.c.id == key).values(used=format_time(moment)))

    def withdraw(self, key: str, moment: datetime) -> bool:
        """See the port."""
        meant = (keys.c.id == key) & keys.c.withdrawn.is_(None)
        with self.database.writing() as connection:
            row = connection.execute(select(keys).where(meant).with_for_update()).first()
            if row is None:
                return False
            known = replace(read_key(self.marks.checked(keys, row)), withdrawn=moment)
            connection.execute(update(keys).where(meant).values(self.marks.marked(keys, key_row(known))))
        return True


@dataclass(frozen=True, slots=True)
class SqlTickets:
    """Implements :class:`ordertrail.access.ports.Tickets`."""

    database: AccessDatabase
    marks: Marks

    def add(self, tickets: Sequence[Ticket]) -> None:
        """See the port."""
        if tickets:
            with self.database.writing() as connection:
                connection.execute(
                    insert(ticket_table),
                    [self.marks.marked(ticket_table, _ticket_row(one)) for one in tickets],
                )

    def take(self, digest: str, purpose: Purpose, now: datetime) -> Ticket | None:
        """See the port."""
        meant = (ticket_table.c.digest == digest) & (ticket_table.c.purpose == purpose.value)
        with self.database.writing() as connection:
            row = connection.execute(
                delete(ticket_table)
                .where(meant, ticket_table.c.ends > format_time(now))
                .returning(*ticket_table.columns)
            ).first()
        if row is None:
            return None
        self.marks.checked(ticket_table, row)
        return Ticket(row.digest, Purpose(row.purpose), row.account, parse_time(row.ends), row.luggage)

    def left(self, account: str, purpose: Purpose, now: datetime) -> int:
        """See the port."""
        meant = (ticket_table.c.account == account) & (ticket_table.c.purpose == purpose.value)
        with self.database.reading() as connection:
            query = (
                select(func.count())
                .select_from(ticket_table)
                .where(meant, ticket_table.c.ends > format_time(now))
            )
            return int(connection.scalar(query) or 0)

    def drop(self, account: str, purpose: Purpose) -> None:
        """See the port."""
        with self.database.writing() as connection:
            connection.execute(
                delete(ticket_table).where(
                    ticket_table.c.account == account, ticket_table.c.purpose == purpose.value
                )
            )

    def sweep(self, now: datetime) -> None:
        """See the port."""
        with self.database.writing() as connection:
            connection.execute(delete(ticket_table).where(ticket_table.c.ends <= format_time(now)))


def _ticket_row(ticket: Ticket) -> dict[str, Any]:
    return {
        "digest": ticket.digest,
        "purpose": ticket.purpose.value,
        "account": ticket.account,
        "ends": format_time(ticket.ends),
        "luggage": ticket.luggage,
    }


@dataclass(frozen=True, slots=True)
class SqlAttempts:
    """Implements :class:`ordertrail.access.ports.Attempts`."""

    database: AccessDatabase

    def begin(self, buckets: Sequence[Bucket], now: datetime) -> datetime | None:
        """See the port. Rows are made first, so that there is something to lock, and locked in one order."""
        rows: list[dict[str, Any]] = [
            {"key": one.key, "failures": 0, "last": format_time(now), "until": format_time(now)}
            for one in buckets
        ]
        by_key = {one.key: one for one in buckets}
        with self.database.writing() as connection:
            upsert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            connection.execute(
                upsert(attempts).on_conflict_do_nothing(), sorted(rows, key=lambda row: row["key"])
            )
            found = connection.execute(
                select(attempts).where(attempts.c.key.in_(by_key)).order_by(attempts.c.key).with_for_update()
            ).all()
            held = {row.key: Held(row.failures, parse_time(row.last), parse_time(row.until)) for row in found}
            after = {key: tried(by_key[key], one, now) for key, one in held.items()}
            waiting = [held[key].until for key, one in after.items() if one is None]
            if waiting:  # and leave no row behind: who must wait cannot fill the table with names
                made = attempts.c.key.in_(by_key) & (attempts.c.failures == 0)
                connection.execute(delete(attempts).where(made))
                return max(waiting)
            for key, one in after.items():
                if one is not None:
                    connection.execute(
                        update(attempts)
                        .where(attempts.c.key == key)
                        .values(
                            failures=one.failures, last=format_time(one.last), until=format_time(one.until)
                        )
                    )
        return None

    def succeeded(self, cleared: Sequence[Bucket], given_back: Sequence[Bucket]) -> None:
        """See the port."""
        back = [one.key for one in given_back]
        with self.database.writing() as connection:
            connection.execute(delete(attempts).where(attempts.c.key.in_([one.key for one in cleared])))
            fewer = case((attempts.c.failures > 0, attempts.c.failures - 1), else_=0)
            connection.execute(
                update(attempts).where(attempts.c.key.in_(back)).values(failures=fewer, until=attempts.c.last)
            )

    def sweep(self, before: datetime) -> None:
        """See the port."""
        with self.database.writing() as connection:
            connection.execute(delete(attempts).where(attempts.c.last < format_time(before)))

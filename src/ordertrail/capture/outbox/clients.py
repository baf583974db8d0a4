"""Capture clients: who numbers events, and how, so that a hole in the numbers is a loss and nothing else.

A client is one line of transactions, one after the other: it numbers the events of each transaction from where the
last one that committed ended. A transaction that rolls back gives its numbers back, so that none is ever missing; one
whose end is not known (the connection broke in the commit) takes its client with it. Transactions that run side by
side have clients of their own, handed out from here, so that none ever waits for another's number.

How far a client has come stands in its row of the database too, written in the same transaction as the events. The
relay, and anybody else, can therefore see at any time which events must be there.
"""

import os
import socket
from collections import deque
from dataclasses import dataclass, field

from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id


@dataclass(slots=True)
class Client:
    """One client: its id, the counter of its next event, and whether its row is in the database."""

    id: str
    counter: int = 0
    registered: bool = False
    follows: "Client | None" = None

    @property
    def row(self) -> tuple[str, str, int, str | None, int | None]:
        """What its row says beside id and counter: since when, where, and after whom."""
        follows = self.follows
        return (
            format_time(utc_now()),
            socket.gethostname(),
            os.getpid(),
            follows.id if follows else None,
            follows.counter if follows else None,
        )


@dataclass(slots=True)
class Clients:
    """The clients of one engine in one process. Safe to use from many threads."""

    name: str
    _free: deque[Client] = field(default_factory=deque)
    _process: int = field(default_factory=os.getpid)

    def take(self) -> Client:
        """Hand out a client that no transaction uses now."""
        if self._process != os.getpid():
            # A fork has the same clients as its parent, and must not count with them.
            self._free, self._process = deque(), os.getpid()
        try:
            return self._free.popleft()
        except IndexError:
            return Client(f"{self.name}/{new_id()}")

    def give_back(self, client: Client, written: int = 0) -> None:
        """Take a client back whose transaction ended; ``written`` events of it are committed."""
        client.counter += written
        client.registered = client.registered or written > 0
        if client.registered:
            client.follows = None
        self._free.append(client)

    def replace(self, client: Client) -> Client:
        """Return a client that follows one whose row is not as it left it: the relay will ask what became of it."""
        return Client(f"{self.name}/{new_id()}", follows=client)

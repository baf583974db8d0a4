"""Many clients at once, each on a connection of its own, asking one thing after another: what came of it.

The client is as small as can be (HTTP/1.1 with a length), so that what is measured is the server.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Outcome:
    """Milliseconds of each question, by its name; answers by their status; and what went wrong on the way."""

    took: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def answers(self) -> int:
        """How many there were."""
        return sum(self.statuses.values())


Asked = Sequence[tuple[str, str]]
"""Names and addresses."""


def load(address: str, key: str, asked: Asked, clients: int, seconds: float) -> Outcome:
    """Ask for so many seconds, with so many clients, each beginning with another question."""
    return asyncio.run(_load(address, key, asked, clients, seconds))


async def _load(address: str, key: str, asked: Asked, clients: int, seconds: float) -> Outcome:
    outcome = Outcome()
    began = time.perf_counter()
    ends = began + seconds
    await asyncio.gather(*(_client(address, key, asked, number, ends, outcome) for number in range(clients)))
    outcome.seconds = time.perf_counter() - began
    return outcome


async def _client(  # noqa: PLR0913, PLR0917 - what a client is
    address: str, key: str, asked: Asked, number: int, ends: float, outcome: Outcome
) -> None:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        while time.perf_counter() < ends:
            name, path = asked[number % len(asked)]
            number += 1
            began = time.perf_counter()
            status = await _ask(reader, writer, f"{place.hostname}:{place.port}", path, key)
            outcome.took.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
            outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
    except (OSError, asyncio.IncompleteReadError) as error:
        outcome.broken.append(f"{type(error).__name__}: {error}")
    finally:
        writer.close()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str, key: str
) -> int:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    lengths = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
    await reader.readexactly(int(lengths[0]) if lengths else 0)
    return int(lines[0].split(" ")[1])

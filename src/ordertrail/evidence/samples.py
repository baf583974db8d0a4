"""Samples: some of many, drawn so that anybody can draw them again, with a certificate of what they were drawn from.

The population is what a filter finds in an interval, up to a checkpoint of the log, in the order of its entries. The
certificate names criteria, interval, number, sums by currency, checkpoint, and a hash over the ids; the drawing names
method, size and seed. Whoever has the trail draws the same again (ISA 530: every item may be chosen, and the choice
can be followed).

**Random numbers** come from SHA-256 and nothing else, so that no library's generator must be believed to stay as it
is::

    number k   = SHA-256("ordertrail/sample/v1" ‖ 0 ‖ seed ‖ 0 ‖ k in decimal), first 16 bytes, big-endian
    below n    = the first of these that is below the largest multiple of n, modulo n

- ``random``: a partial shuffle (Fisher and Yates; Knuth, TAOCP 3.4.2 algorithm P): position i changes places with one
  of those from i on.
- ``systematic``: every (count ÷ size)-th, from a start that is drawn below that step.
- ``monetary``: each unit of money has the same chance (monetary unit sampling): a start is drawn below the step
  (total ÷ size), and the items in which the step's multiples fall are chosen. A large item may be hit more than once
  and stands once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from ordertrail.kernel.errors import InputError, Problem

_LABEL: Final = b"ordertrail/sample/v1"
_DRAWN: Final = 1 << 128


class Method(StrEnum):
    """How a sample is drawn."""

    RANDOM = "random"
    SYSTEMATIC = "systematic"
    MONETARY = "monetary"


@dataclass(frozen=True, slots=True)
class Item:
    """One of the population: an event's id, and the amount that it moves in minor units, where it moves one."""

    event: str
    amount: int | None = None
    currency: str | None = None


class Sum(msgspec.Struct, frozen=True):
    """The sum of a population's amounts in one currency, in minor units, and of how many items."""

    currency: str
    amount: int
    items: int


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sample was drawn from. ``ids`` is the SHA-256 of the ids, a line each, in the log's order."""

    criteria: str
    since: str
    until: str
    stream: str
    size: int
    root: str
    count: int
    sums: tuple[Sum, ...]
    ids: str


class Sampled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sample: its population, and how it was drawn."""

    population: Population
    method: str
    size: int
    seed: str
    events: tuple[str, ...]


def certify(
    items: Sequence[Item], criteria: str, interval: tuple[str, str], log: tuple[str, int, str]
) -> Population:
    """Return the certificate of a population.

    ``interval`` is when its first and its last event happened (RFC 3339), ``log`` the stream,
    the size of its checkpoint and its root in base64.
    """
    sums: dict[str, tuple[int, int]] = {}
    for item in items:
        if item.amount is not None and item.currency is not None:
            amount, number = sums.get(item.currency, (0, 0))
            sums[item.currency] = (amount + item.amount, number + 1)
    (since, until), (stream, size, root) = interval, log
    return Population(
        criteria=criteria,
        since=since,
        until=until,
        stream=stream,
        size=size,
        root=root,
        count=len(items),
        sums=tuple(Sum(currency, *told) for currency, told in sorted(sums.items())),
        ids=_ids_hash(items),
    )


def draw(items: Sequence[Item], population: Population, method: Method, size: int, seed: str) -> Sampled:
    """Draw a sample of ``size`` from a population; it stands in the population's order.

    :raises InputError: with every problem: a size beyond the population, no seed, amounts of several currencies.
    """
    problems = list(_problems(items, population, method, size, seed))
    if problems:
        raise InputError(problems)
    numbers = _numbers(seed)
    match method:
        case Method.RANDOM:
            chosen = _shuffled(len(items), size, numbers)
        case Method.SYSTEMATIC:
            start = _below(len(items), numbers)
            chosen = {(start + number * len(items)) // size for number in range(size)}
        case Method.MONETARY:
            chosen = _struck([item.amount or 0 for item in items], size, numbers)
    events = tuple(items[place].event for place in sorted(chosen))
    return Sampled(population, method.value, size, seed, events)


def check_sample(sampled: Sampled, items: Sequence[Item]) -> bool:
    """Say whether drawing again from these items gives this sample."""
    population = sampled.population
    if population.count != len(items) or population.ids != _ids_hash(items):
        return False
    return draw(items, population, Method(sampled.method), sampled.size, sampled.seed) == sampled


def _problems(
    items: Sequence[Item], population: Population, method: Method, size: int, seed: str
) -> Iterator[Problem]:
    if population.count != len(items) or population.ids != _ids_hash(items):
        yield Problem("population", "these are not the items that the certificate is of")
    if not 1 <= size <= len(items):
        yield Problem("size", f"is {size}; it must be from 1 to the {len(items)} of the population")
    if not 1 <= len(seed) <= 200:
        yield Problem(
            "seed", "is empty or longer than 200 characters; any words will do, chosen before looking"
        )
    if method is Method.MONETARY:
        if len({item.currency for item in items if item.amount}) > 1:
            yield Problem(
                "method", "money of several currencies has no common unit; draw from one currency at a time"
            )
        if sum(max(item.amount or 0, 0) for item in items) < size:
            yield Problem("method", "the population has less money than the sample has places")


def _numbers(seed: str) -> Iterator[int]:
    k = 0
    while True:
        text = b"\x00".join((_LABEL, seed.encode(), b"%d" % k))
        yield int.from_bytes(hashlib.sha256(text).digest()[:16])
        k += 1


def _below(bound: int, numbers: Iterator[int]) -> int:
    fair = _DRAWN - _DRAWN % bound
    return next(number for number in numbers if number < fair) % bound


def _shuffled(count: int, size: int, numbers: Iterator[int]) -> set[int]:
    moved: dict[int, int] = {}
    chosen = set()
    for place in range(size):
        other = place + _below(count - place, numbers)
        chosen.add(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return chosen


def _struck(amounts: Sequence[int], size: int, numbers: Iterator[int]) -> set[int]:
    """Return the items in which the hits fall; what is not above nothing is never hit."""
    total = sum(max(amount, 0) for amount in amounts)
    start = _below(total, numbers)  # of total ÷ size, in size-ths of a unit, so that nothing is rounded
    hits = iter([(start + number * total) // size for number in range(size)])
    chosen, end, hit = set(), 0, next(hits, None)
    for place, amount in enumerate(amounts):
        end += max(amount, 0)
        while hit is not None and hit < end:
            chosen.add(place)
            hit = next(hits, None)
    return chosen


def _ids_hash(items: Sequence[Item]) -> str:
    return hashlib.sha256("".join(f"{item.event}\n" for item in items).encode()).hexdigest()

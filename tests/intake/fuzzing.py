"""Millions of documents as they should not be, through every parser of every channel.

    python tests/intake/fuzzing.py [--inputs 1000000] [--seed 1] [--report docs/reports/fuzzing.md]

Seeds are the samples of all sources. Of three inputs two are a sample in which one to four values are replaced by odd
ones, so that it stays a document of its format; one has one to six changes of its bytes: bits turned, pieces cut out,
doubled, or taken from another sample. Whatever comes of it, a channel raises FaultyError or nothing, within five
seconds and in a process that has three gigabytes.

Faster than Hypothesis, which the tests of each channel use: no shrinking, a few microseconds an input. An input that
fails is named by its seed and number, from which it is made again.
"""

import argparse
import json
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from ordertrail.intake.amendment import Amendment  # noqa: E402
from ordertrail.intake.channel import Channel, open_channel  # noqa: E402
from ordertrail.intake.delivery import Delivery, Source, Way  # noqa: E402
from ordertrail.intake.faults import FaultyError  # noqa: E402
from ordertrail.intake.message import Faulty, Foreign, Message  # noqa: E402
from ordertrail.orders.format import format_order  # noqa: E402
from ordertrail.orders.model import Order  # noqa: E402
from shared_data import shared  # noqa: E402

SECONDS = 5
MEMORY = 3 << 30
LARGEST_SAMPLE = 60_000

CHANNELS: dict[str, tuple[str, ...]] = {
    "amazon": ("amazon-spapi",),
    "bigcommerce": ("bigcommerce",),
    "commercetools": ("commercetools",),
    "csv": ("csv-orders",),
    "cxml": ("cxml",),
    "ebay": ("ebay",),
    "edifact": ("edifact",),
    "json": ("woocommerce",),
    "magento": ("magento",),
    "saleor": ("saleor",),
    "shopify": ("shopify",),
    "shopware": ("shopware6",),
    "ubl": ("ubl-oasis", "ubl-peppol"),
    "unicommerce": ("unicommerce",),
    "walmart": ("walmart",),
    "woocommerce": ("woocommerce",),
    "x12": ("edi-x12",),
}
"""The samples that each channel's inputs are made of."""

CSV_MAPPING = """
[table]
key = "BsID"
delimiter = ";"
decimal = ","
dates = ["%d.%m.%Y %H:%M:%S"]

[order]
id = "BsID"
number = "BsNr"
currency = { value = "EUR" }
placed = "Dat"

[order.lines]
id = "BsPosNr"
sku = "ArtId"
ordered = "Menge"
unit_price = "BEPreis"
"""
JSON_MAPPING = """
[order]
id = "/id"
number = "/number"
currency = "/currency"
placed = "/date_created_gmt"

[order.totals]
grand_total = "/total"

[order.buyer]
email = "/billing/email"

[order.lines]
at = "/line_items"
id = "/id"
sku = "/sku"
name = "/name"
ordered = "/quantity"
amount = "/total"
"""
OPTIONS: dict[str, dict[str, str]] = {"csv": {"mapping": CSV_MAPPING}, "json": {"mapping": JSON_MAPPING}}
"""What the channels that are told by a mapping are told."""

ODD = [
    b"", b"0", b"-1", b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""', b'"\\u0000"', b'"\\ud800"', b"9" * 400,
    b"19.999", b"2026-02-30", b"9999-12-31T23:59:59-12:00", b"EUR", b"JPY", b"&a;", b"<!DOCTYPE a [", b"<a/>", b"]]>",
    b"'", b"~", b"*", b"+", b":", b"?", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"UNH+1+ORDERS:D:96A:UN'",
    b"ST*850*0001~", b"A" * 5_000, b"\xf0\x9f\x9b\x92", b"-0", b'"id":', b"</cac:Party>", b'currencyID="XXX"', b"((((",
    b",,,,",
]  # fmt: skip


class HungError(Exception):
    """An input took too long."""


@dataclass(slots=True)
class Tally:
    """What became of a channel's inputs."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sample:
    """A document and where its values stand. ``odd`` are values that can stand in their place."""

    body: bytes
    values: tuple[tuple[int, int], ...]
    odd: tuple[bytes, ...]


JSON_VALUE = re.compile(rb'("(?:[^"\\]|\\.)*"\s*:)|"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null')
"""A name with its colon, which is left alone, or a value."""
XML_VALUE = re.compile(rb"(?<=>)[^<>]+(?=</)|(?<==\")[^\"<]*(?=\")")
PLAIN_VALUE = re.compile(rb"[^*'+:~|,;\r\n]+")
TEXTS = [
    b"", b" ", b"0", b"-1", b"1", b"1e999", b"NaN", b"Infinity", b"19.999", b"12,50", b"9" * 400, b"A" * 600, b"EUR",
    b"JPY", b"XXX", b"true", b"cancelled", b"2026-02-30", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-12:00",
    b"20261332", b"\xf0\x9f\x9b\x92", b"\xd9\xa3", b"/", b"~1", b"%3A",
]  # fmt: skip
LITERALS = [
    b"null", b"true", b"0", b"-1", b"1.5", b"1e400", b"9" * 400, b"[]", b"{}", b"[[]]", b"[null]", b'{"":""}',
    b'[{"id":1}]', b'"\\u0000"', b'"\\ud800"', b'{"amount":1,"currency":"EUR"}',
]  # fmt: skip


def samples(channel: str) -> list[Sample]:
    """Return the samples of a channel's sources."""
    paths = [
        path for name in CHANNELS[channel] for path in shared(f"samples/{name}").rglob("*") if path.is_file()
    ]
    bodies = [path.read_bytes() for path in sorted(paths)]
    return [_sample(body) for body in bodies if len(body) <= LARGEST_SAMPLE]


def _sample(body: bytes) -> Sample:
    start = body.lstrip()[:1]
    if start in {b"{", b"["}:
        values, odd = JSON_VALUE, (*LITERALS, *(b'"%b"' % text for text in TEXTS))
    elif start == b"<":
        values, odd = XML_VALUE, tuple(TEXTS)
    else:
        values, odd = PLAIN_VALUE, tuple(TEXTS)
    return Sample(
        body,
        tuple(found.span() for found in values.finditer(body) if not (found.re.groups and found[1])),
        odd,
    )


def mutate(rng: random.Random, found: Sequence[Sample]) -> bytes:
    """Return a sample with a few changes."""
    sample = rng.choice(found)
    if not sample.values or rng.randrange(3) == 0:
        return _with_changed_bytes(rng, sample.body, found)
    places = sorted(rng.sample(sample.values, min(len(sample.values), rng.randint(1, 4))), reverse=True)
    body = sample.body
    for start, end in places:
        body = body[:start] + rng.choice(sample.odd) + body[end:]
    return body


def _with_changed_bytes(rng: random.Random, plain: bytes, found: Sequence[Sample]) -> bytes:
    body = bytearray(plain)
    for _ in range(rng.randint(1, 6)):
        start = rng.randrange(len(body) + 1)
        end = min(len(body), start + rng.choice((1, 1, 4, 16, 64, 256)))
        match rng.randrange(6):
            case 0 if start < len(body):
                body[start] ^= 1 << rng.randrange(8)
            case 1:
                del body[start:end]
            case 2:
                body[start:start] = body[start:end] * rng.randint(1, 3)
            case 3:
                other = rng.choice(found).body
                at = rng.randrange(len(other) + 1)
                body[start:end] = other[at : at + rng.choice((8, 64, 512))]
            case 4:
                body[start:end] = rng.choice(ODD)
            case _:
                body[start:start] = rng.choice(ODD)
    return bytes(body)


def inputs(channel: str, count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Yield numbered inputs; the same for the same seed, each of a generator of its own."""
    found = samples(channel)
    for number in range(count):
        yield number, mutate(random.Random(f"{seed}:{channel}:{number}"), found)


def fuzz(name: str, count: int, seed: int) -> Tally:
    """Hand inputs to a channel; return what became of them."""
    tally, channel = Tally(), open_channel(name)
    source = Source(name, "main", currency="EUR", options=OPTIONS.get(name, {}))
    begun = time.perf_counter()
    for number, body in inputs(name, count, seed):
        start = time.perf_counter()
        signal.alarm(SECONDS)
        try:
            delivery = Delivery(source, body, "2026-11-23T12:00:00.000000Z", Way.WEBHOOK)
            tally.told.update(_told(message) for message in _messages(channel, delivery))
        except FaultyError:
            tally.told["faulty"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            tally.failures.append(f"{name} {seed}:{number}: {type(error).__name__}: {error}"[:300])
        finally:
            signal.alarm(0)
        tally.slowest = max(tally.slowest, time.perf_counter() - start)
        tally.inputs += 1
    tally.seconds = time.perf_counter() - begun
    return tally


def _messages(channel: Channel, delivery: Delivery) -> Iterator[Message]:
    channel.delivery_id(delivery)
    yield from channel.read(delivery)


def _told(message: Message) -> str:
    content = message.content
    match content:
        case Order():
            format_order(content)
            return "order"
        case Amendment():
            return "amendment"
        case Foreign():
            return "foreign"
        case Faulty():
            return "faulty"


def _hung(_signal: int, _frame: FrameType | None) -> None:
    raise HungError(f"took over {SECONDS} seconds")


def report(tallies: dict[str, Tally], seed: int, command: str) -> str:
    """Return the report as Markdown."""
    total = sum(tally.inputs for tally in tallies.values())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = [
        "# Fuzzing the channels",
        "",
        f"{total:,} inputs, {sum(len(tally.failures) for tally in tallies.values())} failures. Made by",
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}, seed {seed}.",
        "",
        "An input is a sample with a few values or bytes changed. A failure is anything raised but FaultyError, an",
        f"input that takes over {SECONDS} seconds, or a process that takes over {MEMORY >> 30} gigabytes.",
        "",
        "| channel | inputs | orders | amendments | foreign | faulty | slowest | failures |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, tally in tallies.items():
        told = [f"{tally.told[word]:,}" for word in ("order", "amendment", "foreign", "faulty")]
        slowest = f"{tally.slowest * 1e3:.0f} ms"
        lines.append(
            f"| {name} | {tally.inputs:,} | {' | '.join(told)} | {slowest} | {len(tally.failures)} |"
        )
    return "\n".join([*lines, ""])


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Fuzz all channels; end with 1 where one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--channel", choices=CHANNELS, action="append")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _hung)
    names = options.channel or list(CHANNELS)
    tallies: dict[str, Tally] = {}
    for name in names:
        tally = tallies[name] = fuzz(name, -(-options.inputs // len(names)), options.seed)
        say(
            json.dumps(
                {"channel": name, "inputs": tally.inputs, "seconds": round(tally.seconds), **tally.told}
            )
        )
        for failure in tally.failures[:20]:
            say(failure)
    if options.report is not None:
        command = f"python tests/intake/fuzzing.py --inputs {options.inputs}"
        options.report.write_text(report(tallies, options.seed, command))
    return 1 if any(tally.failures for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""A witness's settings: ``witness.toml`` in its directory, read strictly.

::

    version = 1
    name = "witness.example/w1"

    [[log]]                   # a log whose checkpoints it cosigns; one table a key, a log may have several
    vkey = "shop.example/orders+30e58425+AahxFCnvjGtuTb9cx0Pg1/hUFx278zICdRN/NWagD6AC"

A log is known by the name of its key, which is its origin line. The name is the witness's for ever: it is part
of its keys' ids. New tables are appended and nothing else is rewritten, so that a person's own remarks stay.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordertrail.adapters.files.durable import append_line, replace, translated
from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.ledger.vkey import VerifierKey, format_vkey, is_key_name, parse_vkey

WITNESS_FILE = "witness.toml"
VERSION = 1


@dataclass(frozen=True, slots=True)
class WitnessFile:
    """What a witness is called, and the keys of the logs that it knows."""

    name: str
    logs: tuple[VerifierKey, ...] = ()

    def by_origin(self) -> dict[str, tuple[VerifierKey, ...]]:
        """Return the keys of each log by its origin, in the order in which the logs were added."""
        found: dict[str, tuple[VerifierKey, ...]] = {}
        for key in self.logs:
            found[key.name] = (*found.get(key.name, ()), key)
        return found


def format_witness_file(settings: WitnessFile) -> str:
    """Write the settings file of a new witness."""
    return f"version = {VERSION}\nname = {_text(settings.name)}\n{_tables(settings.logs)}"


def parse_witness_file(text: str) -> WitnessFile:
    """Read a settings file. Raises ConfigurationError naming everything that is wrong with it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"is not TOML: {error}") from None
    problems = [
        Problem(name, "is not a setting; the settings are version, name, log")
        for name in data
        if name not in {"version", "name", "log"}
    ]
    if data.get("version") != VERSION:
        problems.append(Problem("version", f"must be {VERSION}; a newer OrderTrail may be needed"))
    name = data.get("name")
    if not (isinstance(name, str) and is_key_name(name)):
        problems.append(
            Problem("name", "must be a name such as witness.example/w1, without spaces or plus signs")
        )
    keys: list[VerifierKey] = []
    tables = data.get("log", [])
    for number, table in enumerate(tables if isinstance(tables, list) else [tables]):
        try:
            keys.append(_key(table, keys))
        except InputError as error:
            problems.append(Problem(f"log.{number}", error.message))
    if problems:
        raise _wrong("; ".join(map(str, problems)))
    return WitnessFile(str(name), tuple(keys))


def read_witness_file(root: Path) -> WitnessFile:
    """Read the settings of the witness in a directory. Raises ConfigurationError if there is none."""
    path = root / WITNESS_FILE
    with translated(path, "reading"):
        try:
            text = path.read_text()
        except (FileNotFoundError, NotADirectoryError):
            raise ConfigurationError(
                f"there is no witness in {root}",
                meaning="Nothing was cosigned.",
                remedy="Create one with 'ordertrail witness init', or name the directory of another.",
            ) from None
        except UnicodeDecodeError:
            raise _wrong("is not UTF-8") from None
    return parse_witness_file(text)


def write_witness_file(root: Path, settings: WitnessFile) -> None:
    """Write the settings of a new witness; they are on disk when this returns."""
    text = format_witness_file(settings)
    parse_witness_file(text)  # what it could not read again, it never writes
    with translated(root, "creating"):
        replace(root / WITNESS_FILE, text.encode())


def append_log(root: Path, key: VerifierKey) -> bool:
    """Append a log's key to the settings; say whether it is new. It is on disk when this returns."""
    settings = read_witness_file(root)
    if key in settings.logs:
        return False
    _key({"vkey": format_vkey(key)}, settings.logs)
    with translated(root / WITNESS_FILE, "adding a log to"):
        append_line(root / WITNESS_FILE, _tables((key,)))
    return True


def _tables(keys: Iterable[VerifierKey]) -> str:
    return "".join(f"\n[[log]]\nvkey = {_text(format_vkey(key))}\n" for key in keys)


def _text(value: str) -> str:
    """Write a basic string (TOML 1.0, "String"): JSON's escapes, and DEL, which JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(table: Any, others: Iterable[VerifierKey]) -> VerifierKey:
    match table:
        case {"vkey": str(vkey), **rest} if not rest:
            key = parse_vkey(vkey)
        case _:
            raise InputError("is a table with a vkey and nothing else")
    if any((one.name, one.key_id) == (key.name, key.key_id) for one in others):
        raise InputError(f"{key} is there twice")
    return key


def _wrong(problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"{WITNESS_FILE}: {problem}", meaning="Nothing was cosigned.", remedy="Correct what is named."
    )

r"""What a model was made with, by hashes: the code that turns events into features, and the packages that learned.

Both hashes are of plain text that anybody can make again with ``sha256sum``::

    code:  one line for each source file, sorted:   <sha256 of the file>  <package>/<path>\n
    lock:  one line for each package, sorted:       <name>==<version>\n      and python==3.11.9
"""

import hashlib
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from importlib.resources import files
from importlib.resources.abc import Traversable


def code_hash(*packages: str) -> str:
    """Return the hash of all source files of some packages, such as ``ordertrail.monitor.forecast``.

    A module's own name does as well. Raises ModuleNotFoundError for what is not there.
    """
    lines = [line for package in packages for line in _lines_of(package)]
    return _hash_of(lines)


def lock_hash() -> str:
    """Return the hash of the packages that are installed here, and of the interpreter's version."""
    installed = {
        f"{_normal(one.metadata['Name'])}=={one.version}" for one in distributions() if one.metadata["Name"]
    }
    return _hash_of({*installed, f"python=={platform.python_version()}"})


def _lines_of(package: str) -> Iterator[str]:
    folder, _, module = package.rpartition(".")
    try:
        root = files(package)
    except TypeError:  # a module, not a package
        root = files(folder)
        yield _line(root / f"{module}.py", package)
        return
    yield from _walk(root, package)


def _walk(folder: Traversable, name: str) -> Iterator[str]:
    for one in folder.iterdir():
        if one.is_dir() and one.name != "__pycache__":
            yield from _walk(one, f"{name}/{one.name}")
        elif one.is_file() and not one.name.endswith((".pyc", ".pyo")):
            yield _line(one, f"{name}/{one.name}")


def _line(file: Traversable, name: str) -> str:
    return f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}"


def _hash_of(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()


def _normal(name: str) -> str:
    """Return a package's name as PEP 503 spells it."""
    return name.lower().replace("_", "-").replace(".", "-")

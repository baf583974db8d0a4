"""Runs the fenced blocks of a document, from top to bottom, in one fresh directory.

What a block is, its language says; a comment on the line before its fence may say more:

- ``console`` holds commands, each after ``$ ``, and what they print. Output that is shown must be printed;
  ``…`` stands for anything, on a line of its own for any lines. A command may fail only where it is shown to.
- ``python`` runs in one namespace for the whole document; ``pycon`` is a doctest in the same namespace.
- ``sh`` runs as one script.
- ``<!-- file: NAME -->`` writes the block to a file; ``<!-- prints -->`` is what the block before printed;
  ``<!-- needs: TOOL -->`` runs it where there is such a tool; ``<!-- not run: REASON -->`` does not.

Ids, hashes, keys, times and durations differ from run to run: any one is as good as another.
"""

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ordertrail.cli import main, output

ROOT = Path(__file__).resolve().parents[2]

WIDTH = 110
"""Columns of the terminal that documents show."""

_RUN = ("console", "python", "pycon", "sh")
_FENCE = re.compile(r"```(\w*)$")
_COMMENT = re.compile(r"<!-- (file|needs|not run|prints):? ?(.*?) ?-->$")
_SHELL = re.compile(r"""[|;&<>$(){}*?"'`=~]""")
_FAILS = re.compile(r"✗|error|refused|could not", re.IGNORECASE)
_VARYING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<time>"),
    (re.compile(r"\+[0-9a-f]{8}\+[0-9A-Za-z+/=]{40,}"), "+<key>"),
    (re.compile(r"\+[0-9a-f]{8}\b"), "+<key id>"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "<hash>"),
    (re.compile(r"[0-9A-Za-z+/]{40,}=*"), "<base64>"),
    (re.compile(r"\([0-9a-f]{8}\)|\b[0-9a-f]{8}(?=\.pem|\.cosigner)"), "<key id>"),
    (re.compile(r"in \d+\.\d s( \([\d,]+ entries/s\))?"), "in <duration>"),
    (re.compile(r'"seconds": [\d.]+'), '"seconds": <duration>'),
    (re.compile(r"process \d+ on \S+"), "process <number>"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language, its text, and what the comment before it says."""

    place: str
    language: str
    text: str
    order: str = ""
    detail: str = ""

    @property
    def runs(self) -> bool:
        """Whether the block is one that is run."""
        return self.language in _RUN and self.order not in {"file", "not run"}


def read_blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a document."""
    blocks: list[Block] = []
    lines = document.read_text().split("\n")
    start, language = 0, ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if not start:
            start, language = number + 1, fence[1]
            continue
        comment = _COMMENT.match(lines[start - 2])
        order, detail = (comment[1], comment[2]) if comment else ("", "")
        place = f"{document.relative_to(ROOT)}:{start}"
        blocks.append(Block(place, language, "\n".join(lines[start:number]), order, detail))
        start = 0
    if start:
        raise AssertionError(f"{document}:{start}: a block is not closed")
    return blocks


@dataclass(slots=True)
class Runner:
    """One document's run: its directory, its environment, its names."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "document"})
    printed: str = ""
    status: int = 0
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # What other tests of this process left in the environment is not a reader's.
        here = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ORDERTRAIL_") and name != "DJANGO_SETTINGS_MODULE"
        }
        tools = str(Path(sys.executable).parent)
        self.environment = here | {
            "PATH": f"{tools}:{here['PATH']}",
            "COLUMNS": str(WIDTH),
            "LC_ALL": "C.UTF-8",
        }

    def run(self, block: Block) -> None:
        """Run, write or compare a block, as it asks."""
        if block.order == "file":
            target = self.folder / block.detail
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text + "\n")
        elif block.order == "prints":
            expect(block.place, block.text, self.printed)
        elif block.order == "needs" and shutil.which(block.detail) is None:
            self.missing.append(f"{block.place} needs {block.detail}")
        elif block.runs:
            with _working(self.folder, self.environment):
                {"console": self._console, "python": self._python, "pycon": self._pycon, "sh": self._sh}[
                    block.language
                ](block)

    def _console(self, block: Block) -> None:
        for command, shown in read_commands(block.text):
            if command == "echo $?":
                expect(block.place, shown, str(self.status))
                continue
            self.status, self.printed = self._command(command)
            expect(f"{block.place}: {command}", shown, self.printed)
            announced = _FAILS.search(shown) is not None or f"{command}\n$ echo $?" in block.text
            if self.status and not announced:
                raise AssertionError(f"{block.place}: {command}: ended with {self.status}:\n{self.printed}")

    def _command(self, command: str) -> tuple[int, str]:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = os.environ[name] = value
            return 0, ""
        if command.startswith("ordertrail ") and not _SHELL.search(command):
            return run_ordertrail(shlex.split(command)[1:])
        done = subprocess.run(
            ["bash", "-c", command], env=self.environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def _python(self, block: Block) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block.text, block.place, "exec"), self.names)  # noqa: S102 - a document's own example
        self.printed = out.getvalue()

    def _pycon(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(block.text + "\n", self.names, block.place, None, 0)
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=report.write, clear_globs=False)
        self.names |= test.globs
        assert not report.getvalue(), report.getvalue()

    def _sh(self, block: Block) -> None:
        subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], env=self.environment, check=True)


def run_ordertrail(arguments: list[str]) -> tuple[int, str]:
    """Run the command in this process, as wide as documents are; return its status and what it printed."""
    printed = io.StringIO()
    before = sys.argv, output.out.width, output.err.width
    interrupt = signal.getsignal(signal.SIGINT)
    sys.argv, output.out.width, output.err.width = ["ordertrail", *arguments], WIDTH, WIDTH
    status = 0
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            main.run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.argv, output.out.width, output.err.width = before
        signal.signal(signal.SIGINT, interrupt)
    return status, printed.getvalue()


def read_commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block and the output shown after it."""
    command, shown = "", list[str]()
    for line in text.split("\n"):
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(shown)
            command, shown = line.removeprefix("$ "), []
        elif command.endswith("\\"):
            command = f"{command[:-1].rstrip()} {line.strip()}"
        else:
            shown.append(line)
    if command:
        yield command, "\n".join(shown)


def expect(place: str, shown: str, printed: str) -> None:
    """Compare what a document shows with what was printed; showing nothing says nothing."""
    if not shown.strip():
        return
    pattern = ""
    for line in normal(shown):
        pattern += r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
    text = "".join(f"{line}\n" for line in normal(printed))
    assert re.fullmatch(pattern, text), f"{place} shows\n\n{shown}\n\nand prints\n\n{printed}"


def normal(text: str) -> list[str]:
    """Return lines without what differs from run to run, and columns without their width."""
    for varying, name in _VARYING:
        text = varying.sub(name, text)
    return [re.sub(" {2,}", "  ", line.rstrip()) for line in text.strip("\n").split("\n")]


@contextlib.contextmanager
def _working(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Work in a folder under an environment, and leave both as they were."""
    before, here = dict(os.environ), Path.cwd()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)

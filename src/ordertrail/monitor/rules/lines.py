"""YAML with its lines: documents of a file, and in which line each of their places stands.

Anchors and aliases are refused: a few of them can stand for a document of gigabytes, and no rule needs one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml
from sigma.rule.base import SigmaYAMLLoader

from ordertrail.kernel.errors import InputError, Problem

LARGEST = 1 << 18
"""Bytes of the largest file of rules."""
DEEPEST = 24
"""Levels of lists and mappings in one."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_QUOTED = re.compile(r"['\"“]\s*(.+?)\s*['\"”]")
MEANING = "No rule was changed; those in force go on watching."
REMEDY = "Correct the lines named and save the file again."

Content = dict[str, Any] | list[Any] | str | int | float | bool | date | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a file: its content, its text, and the line (from 1 on) of each place in it, by the path there."""

    content: Content
    text: str
    lines: dict[tuple[str, ...], int]

    def line(self, *path: str) -> int:
        """Return the line of a place; of what it is in, where there is no such place."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, message: str, *path: str) -> Problem:
        """Return a problem at a place, with its line."""
        return Problem(".".join(path), f"{message} (line {self.line(*path)})")

    def blamed(self, message: str, *otherwise: str) -> Problem:
        """Return a problem at the place that a message quotes; at another where it quotes none."""
        for said in _QUOTED.findall(message):
            for path in self.lines:
                if path and (path[-1] == said or said in path[-1].split("|")):
                    return self.problem(message, *path)
        return self.problem(message, *otherwise)


def read_documents(text: str) -> list[Document]:
    """Read a file. Raises InputError, with the line, for what is not YAML, too large, too deep, or has an alias."""
    if len(text.encode(errors="replace")) > LARGEST:
        raise refused(Problem("", f"a file of rules has at most {LARGEST:,} bytes"))
    try:
        _check(text)
        nodes = [node for node in yaml.compose_all(text, SigmaYAMLLoader) if node is not None]
        return [_document(node, text) for node in nodes if not _is_empty(node)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise refused(Problem("", f"is not YAML: {error.problem or error.context} (line {line})")) from None
    except (yaml.YAMLError, ValueError, UnicodeError, OverflowError) as error:
        raise refused(Problem("", f"is not YAML: {error} (line 1)")) from None


def refused(*problems: Problem) -> InputError:
    """Return the error of a file of rules that is refused."""
    return InputError(problems, meaning=MEANING, remedy=REMEDY)


def _check(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise refused(Problem("", f"has an anchor or an alias; write it out (line {line})"))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise refused(Problem("", f"is nested more than {DEEPEST} levels deep (line {line})"))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _document(node: yaml.Node, text: str) -> Document:
    lines = dict(_lines(node, ()))
    first, last = node.start_mark.line, node.end_mark.line
    told = "\n".join(text.splitlines()[first : last + 1]).removesuffix("---").strip()
    loader = SigmaYAMLLoader("")
    try:
        content = loader.construct_document(node)
    finally:
        loader.dispose()
    return Document(content, told, lines)


def _lines(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1
                raise refused(Problem(".".join((*path, name)), f"stands there twice (line {line})"))
            seen.add(name)
            yield from _lines(value, (*path, name))
            yield (*path, name), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for place, one in enumerate(node.value):
            yield from _lines(one, (*path, str(place)))
            if isinstance(one, yaml.ScalarNode):
                yield (*path, str(one.value)), one.start_mark.line + 1
    else:
        text = str(node.value)
        if _UNSTORABLE.search(text):
            line = node.start_mark.line + 1
            raise refused(Problem(".".join(path), f"holds what no text of an event does (line {line})"))
        yield (*path, text), node.start_mark.line + 1


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value

"""The verbs of the command line, each imported when it is asked for: ``record`` need not wait for a web server's code.

A verb is a function, or a group of verbs that its module makes. What a group needs may be an extra: where it is not
installed, the group stands in the list, and says how to have it once it is asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from ordertrail.kernel.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb is found: ``source`` is ``module:name`` below ``ordertrail.cli``.

    ``extra`` names what its packages are installed by, and ``unavailable`` says in a sentence what did not happen
    without them.
    """

    source: str
    extra: str | None = None
    unavailable: str = ""

    def load(self, word: str) -> Any:
        """Import the verb, and return it as a command of the command line."""
        module, _, name = self.source.partition(":")
        holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        holder.callback()(lambda: None)  # with it, what is made is a group, even of one verb
        try:
            found = getattr(import_module(f"ordertrail.cli.{module}"), name)
        except ImportError as error:
            if self.extra is None:
                raise
            self._add_missing(holder, word, error)
        else:
            if isinstance(found, typer.Typer):
                holder.add_typer(found, name=word)
            else:
                holder.command(word)(found)
        group = typer.main.get_command(holder)
        return group.commands[word]  # type: ignore[attr-defined]

    def _add_missing(self, holder: typer.Typer, word: str, error: ImportError) -> None:
        """Add a verb that says which package is missing, whatever is asked of it."""
        remedy, told = f"pip install 'ordertrail[{self.extra}]'", str(error)
        settings = {"allow_extra_args": True, "ignore_unknown_options": True}

        @holder.command(word, help=f"Not installed: {remedy}.", context_settings=settings)
        def refuse() -> None:
            raise ConfigurationError(
                f"{word} needs a package that is not installed: {told}",
                meaning=self.unavailable,
                remedy=f"Install it with: {remedy}",
            )


class Verbs(Mapping[str, Any]):
    """Commands by their words; each is loaded when it is first looked at."""

    def __init__(self, verbs: Mapping[str, Verb]) -> None:
        self._verbs = verbs
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, word: str) -> Any:
        if word not in self._loaded:
            self._loaded[word] = self._verbs[word].load(word)
        return self._loaded[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._verbs)

    def __len__(self) -> int:
        return len(self._verbs)

    def __contains__(self, word: object) -> bool:
        return word in self._verbs


def group_of(verbs: Mapping[str, Verb]) -> type[TyperGroup]:
    """Return the kind of group that has these verbs."""

    class Group(TyperGroup):
        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            self.commands = Verbs(verbs)  # type: ignore[assignment]

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as click calls it
            """List the verbs without loading one."""
            return list(self.commands)

    return Group

"""Verbs are loaded when they are asked for: a start imports what it needs, and help still lists all."""

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ordertrail.cli.main import VERBS, app
from ordertrail.cli.verbs import Verb
from ordertrail.kernel.errors import ConfigurationError

HEAVY = (
    "fastapi",
    "starlette",
    "uvicorn",
    "lxml",
    "openpyxl",
    "prometheus_client",
    "ordertrail.web",
    "ordertrail.intake",
)


@pytest.mark.parametrize("words", [["--version"], ["record", "--help"], ["verify", "--help"]])
def test_a_start_imports_no_web_and_no_intake(words: list[str]) -> None:
    """Recording and checking do not pay for what serving needs."""
    program = (
        "import sys\nfrom ordertrail.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert done.stdout


def test_help_lists_every_verb_with_a_sentence() -> None:
    """In their sequence, groups among them."""
    lines = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2].splitlines()
    listed = [line.split(maxsplit=1) for line in lines if line.startswith("  ") and line[2] != " "]
    assert [name for name, _ in listed] == list(VERBS)
    assert all(sentence[0].isupper() for _, sentence in listed)


def test_a_word_that_is_no_verb_is_told_with_what_was_meant() -> None:
    """Without loading anything."""
    done = CliRunner().invoke(app, ["sael"])
    assert done.exit_code == 2
    assert "seal" in done.output


def test_a_verb_whose_packages_are_missing_says_how_to_have_them() -> None:
    """It stands in the list; asked for anything, it says which package, and what did not happen."""
    verb = Verb("nothing_such:app", "intake", "Nothing was taken in.")
    for words in ([], ["serve", "--port", "1"], ["--nonsense"]):
        with pytest.raises(ConfigurationError) as refused:
            verb.load("intake").main(words, standalone_mode=False)
        told = refused.value.diagnostics()
        assert "nothing_such" in told.happened
        assert told.meaning == "Nothing was taken in."
        assert "pip install 'ordertrail[intake]'" in told.remedy
    with pytest.raises(ImportError):
        Verb("nothing_such:app").load("x")


def test_the_command_is_one_group() -> None:
    """Whoever looks through it, completion or a test, finds every verb."""
    group = get_command(app)
    assert set(group.commands) == set(VERBS)  # type: ignore[attr-defined]

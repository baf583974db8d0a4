"""The ``ordertrail`` command: verbs, errors and exit statuses.

Exit status: 0 all is well, 1 evidence is broken, 2 usage or input is wrong, 3 something is unavailable now.
"""

import signal
import sys
from importlib.metadata import version
from typing import Annotated, Final

import typer

from ordertrail.cli import output
from ordertrail.cli.verbs import Verb, group_of
from ordertrail.kernel.errors import OrderTrailError

VERBS: Final = {
    "init": Verb("init:init"),
    "record": Verb("record:record"),
    "import": Verb("import_log:import_log"),
    "relay": Verb("relay:relay"),
    "streams": Verb("streams:app"),
    "guard": Verb("guard:app"),
    "intake": Verb("rules:app", "intake", "Nothing was taken in."),
    "outside": Verb("outside:app", "intake", "Nothing was taken in."),
    "reconcile": Verb("reconcile:app", "intake", "Nothing was held against anything."),
    "serve": Verb("serve:serve"),
    "access": Verb("access:app", "serve", "Nobody was let in, and nothing was changed."),
    "seal": Verb("seal:seal"),
    "status": Verb("status:status"),
    "verify": Verb("verify:verify"),
    "prove": Verb("prove:prove"),
    "check": Verb("check:check"),
    "history": Verb("history:history"),
    "search": Verb("search:search"),
    "facts": Verb("search:facts"),
    "index": Verb("index:app"),
    "segments": Verb("segments:app", "columnar", "No segment was made or asked."),
    "export-to": Verb("export:export_to"),
    "why": Verb("why:why"),
    "show": Verb("show:show"),
    "watch": Verb("approval:app", "monitor", "Nothing was watched."),
    "alerts": Verb("alerts:app", "monitor", "No alert was looked at."),
    "behaviour": Verb("behaviour:app", "monitor", "Nothing was scored."),
    "forecast": Verb("forecast:app", "forecast", "Nothing was foreseen."),
    "models": Verb("models:app"),
    "actions": Verb("actions:app", "monitor", "Nothing was done about any order."),
    "notify": Verb("notify:app"),
    "case": Verb("cases:app", "evidence", "No case was looked at."),
    "bundle": Verb("bundle:app", "evidence", "No bundle was made."),
    "retention": Verb("retention:app"),
    "keys": Verb("keys:app"),
    "backup": Verb("backup:backup"),
    "restore": Verb("backup:restore"),
    "reindex": Verb("backup:reindex"),
    "migrate": Verb("migrate:migrate"),
    "witness": Verb("witness:app"),
    "doctor": Verb("doctor:doctor"),
    "demo": Verb("demo:demo", "serve", "No shop was made."),
}
"""Every verb, in the sequence in which help lists them."""

app = typer.Typer(
    name="ordertrail",
    help="The tamper-evident audit trail of order management.",
    cls=group_of(VERBS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it with the option's value
    if value:
        output.say(f"ordertrail {version('ordertrail')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Record, seal, prove and verify the life of every order."""


def run() -> None:
    """Run the command line; the entry point of the installed command."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        app()
    except OrderTrailError as error:
        _end(error)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; there is nobody to tell
        sys.exit(0)


def _interrupted(_signal: int, _frame: object) -> None:
    output.err.print("interrupted; what was acknowledged is recorded, and sealing goes on where it stopped")
    sys.exit(output.EXIT_INTERRUPTED)


def _end(error: OrderTrailError) -> None:
    try:
        output.fail(error, as_json="--json" in sys.argv)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)

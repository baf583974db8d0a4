"""The ``ordertrail`` command: verbs, errors and exit statuses.

Exit status: 0 all is well, 1 evidence is broken, 2 usage or input is wrong, 3 something is unavailable now.
"""

import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ordertrail.cli import (
    backup,
    check,
    doctor,
    guard,
    history,
    import_log,
    index,
    init,
    keys,
    migrate,
    output,
    prove,
    record,
    relay,
    seal,
    search,
    show,
    status,
    verify,
    witness,
)
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError


def intake_verbs() -> typer.Typer:
    """Return the verbs of intake; where its packages are not installed, one that says how to have them."""
    try:
        from ordertrail.cli import rules  # noqa: PLC0415 - an extra that the other verbs do without
    except ImportError as error:
        return _without_intake(str(error))
    return rules.app


def _without_intake(error: str) -> typer.Typer:
    verbs = typer.Typer(help="Take orders in: pip install 'ordertrail[intake]'.")

    @verbs.callback(invoke_without_command=True)
    def refuse() -> None:
        raise ConfigurationError(
            f"intake needs a package that is not installed: {error}",
            meaning="Nothing was taken in.",
            remedy="Install it with: pip install 'ordertrail[intake]'",
        )

    return verbs


app = typer.Typer(
    name="ordertrail",
    help="The tamper-evident audit trail of order management.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.command("record")(record.record)
app.command("import")(import_log.import_log)
app.command("relay")(relay.relay)
app.add_typer(guard.app, name="guard")
app.add_typer(intake_verbs(), name="intake")
app.command("seal")(seal.seal)
app.command("status")(status.status)
app.command("verify")(verify.verify)
app.command("prove")(prove.prove)
app.command("check")(check.check)
app.command("history")(history.history)
app.command("search")(search.search)
app.command("facts")(search.facts)
app.add_typer(index.app, name="index")
app.command("show")(show.show)
app.add_typer(keys.app, name="keys")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("reindex")(backup.reindex)
app.command("migrate")(migrate.migrate)
app.add_typer(witness.app, name="witness")
app.command("doctor")(doctor.doctor)


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

"""``ordertrail guard``: triggers that record what reaches audited tables without passing the application."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly.guard import check_guard, guard_script, install_guard, remove_guard
from ordertrail.cli.options import JsonOption
from ordertrail.cli.output import EXIT_BROKEN, say, say_json, say_problems
from ordertrail.kernel.errors import Problem
from ordertrail.kernel.numbers import count
from ordertrail.settings import secret

app = typer.Typer(help="Record what goes past the application, in its database.", no_args_is_help=True)

Database = Annotated[
    str,
    typer.Option(
        "--database", metavar="URL", help="The application's database, as postgresql:// or sqlite:///."
    ),
]
PolicyFile = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The capture policy, as TOML.")]
PasswordFile = Annotated[
    str | None, typer.Option("--password-file", help="A file that holds the database's password.")
]


@app.command("install")
def install(
    database: Database,
    policy: PolicyFile,
    password_file: PasswordFile = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put the guard's triggers on the policy's tables, or bring them up to date: all of it, or nothing."""
    password = _password(password_file)
    if sql:
        sys.stdout.write(guard_script(database, policy, password=password))
        return
    tables = install_guard(database, policy, password=password)
    if as_json:
        say_json({"guarded": tables})
    else:
        say(f"Guarded: {', '.join(tables)}.")


@app.command("check")
def check(
    database: Database, policy: PolicyFile, password_file: PasswordFile = None, as_json: JsonOption = False
) -> None:
    """Say whether the guard stands as it was installed, on all of the policy's tables and their columns of today."""
    problems = check_guard(database, policy, password=_password(password_file))
    if as_json:
        say_json({"intact": not problems, "problems": [_as_dict(problem) for problem in problems]})
    elif problems:
        say(
            f"The guard is not whole: {count(len(problems), 'problem')}. What went past it since is not on record."
        )
        say_problems([str(problem) for problem in problems])
    else:
        say("The guard stands as it was installed.")
    if problems:
        raise typer.Exit(EXIT_BROKEN)


@app.command("remove")
def remove(database: Database, password_file: PasswordFile = None, as_json: JsonOption = False) -> None:
    """Take the guard away. What it recorded stays in the outbox."""
    remove_guard(database, password=_password(password_file))
    if as_json:
        say_json({"removed": True})
    else:
        say("Removed. What goes past the application is no longer recorded.")


def _password(file: str | None) -> str | None:
    found = secret("", file, "--password-file") if file else None
    return None if found is None else found.decode()


def _as_dict(problem: Problem) -> dict[str, str]:
    return {"place": problem.path, "problem": problem.message}

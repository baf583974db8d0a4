"""System checks: what is wrong with capture is told when Django starts, by its exact name.

``ordertrail.E001`` the setting cannot be read; ``E002`` the policy names a column that its model has not;
``W003`` it names a table that no model has; ``E004`` it does not fit the live database, or the outbox is missing
(``W004`` while migrations wait that may mend it). The last looks at the database, and so runs where Django's own do:
``check --database``, ``migrate``, ``test``. Servers look at it too, when they load the middleware.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from ordertrail.capture.django.configuration import configuration
from ordertrail.capture.django.registry import problem_in
from ordertrail.capture.plan import named_columns, parse_name
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError


def register() -> None:
    """Have Django run the checks."""
    checks.register(check_settings)
    checks.register(check_databases, checks.Tags.database)


def check_settings(app_configs: Any = None, **_: object) -> list[checks.CheckMessage]:  # noqa: ARG001 - Django's
    """Check the setting, and the policy against the models; no database is needed."""
    try:
        said = configuration()
    except ConfigurationError as error:
        return [checks.Error(error.message, hint=error.remedy, id="ordertrail.E001")]
    models = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}  # noqa: SLF001
    found: list[checks.CheckMessage] = []
    for name, rule in said.policy.tables.items():
        model = models.get(parse_name(name).name)
        if model is None:
            near = difflib.get_close_matches(name, models, n=1)
            hint = f"Did you mean {near[0]}?" if near else "Right if it is a table without a model."
            found.append(
                checks.Warning(f"tables.{name}: no model has table {name}", hint=hint, id="ordertrail.W003")
            )
            continue
        columns = [str(field.column) for field in model._meta.concrete_fields]  # noqa: SLF001
        found += _unknown_columns(name, rule, columns, model)
    return found


def _unknown_columns(
    name: str, rule: Any, columns: Sequence[str], model: Any
) -> Iterator[checks.CheckMessage]:
    for column, where in named_columns(rule):
        if column not in columns:
            near = difflib.get_close_matches(column, columns, n=1)
            meant = f"Did you mean {near[0]}? " if near else ""
            yield checks.Error(
                f"tables.{name}.{where}: table {name} has no column {column}",
                hint=f"{meant}It has {', '.join(columns)}.",
                obj=model,
                id="ordertrail.E002",
            )


def check_databases(
    app_configs: Any = None,  # noqa: ARG001 - Django's
    databases: Sequence[str] | None = None,
    **_: object,
) -> list[checks.CheckMessage]:
    """Check the policy against live databases, and that each has its outbox."""
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        try:
            problem = problem_in(alias)
        except OperationalError:
            continue  # Django's own checks and commands say so better
        except ConfigurationError:
            return []  # check_settings has told it
        if isinstance(problem, OrderTrailError):
            waiting = _migrations_wait(alias)
            kind = checks.Warning if waiting else checks.Error
            found.append(
                kind(
                    f"database {alias}: {problem.message}",
                    hint=problem.remedy,
                    id="ordertrail.W004" if waiting else "ordertrail.E004",
                )
            )
    return found


def _migrations_wait(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))

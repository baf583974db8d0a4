"""The setting ``ORDERTRAIL``: a policy, and what Django itself has to know.

::

    ORDERTRAIL = {
        "policy": BASE_DIR / "audit.toml",   # a file with the policy; or its fields here: tables, version, …
        "databases": ["default"],            # aliases to capture; without it, all that hold audited tables
        "name": "shop",                      # begins the ids of this program's capture clients
        "sealer": "shop.audit.sealer",       # seals columns that the policy calls personal: a Sealer, or a function
        "trusted_proxies": ["10.0.0.0/8"],   # whose X-Forwarded-For is believed; "unix": a Unix socket's
        "request_id_header": "X-Request-ID",
        "actor": "shop.audit.actor_id",      # user -> text; without it, the user's name
        "roles": "shop.audit.roles",         # user -> texts; without it, its groups, and staff and superuser
        "anonymous": "anonymous",            # who acts in a request without a user; None: nobody
    }

Functions are named by their dotted path, or are given themselves. All of it is read once, at start.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ordertrail.capture.policy import Policy
from ordertrail.capture.requests import Proxies
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.sealing import Sealer

SETTING = "ORDERTRAIL"

UNIX = "unix"
"""Stands, among trusted proxies, for whoever comes over a Unix socket."""

_OWN = frozenset(
    {
        "policy",
        "databases",
        "name",
        "sealer",
        "trusted_proxies",
        "request_id_header",
        "actor",
        "roles",
        "anonymous",
    }
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``ORDERTRAIL`` says."""

    policy: Policy
    databases: tuple[str, ...] | None = None
    name: str = "django"
    sealer: Sealer | None = None
    proxies: Proxies = field(default_factory=Proxies)
    trusts_unix: bool = False
    request_id_header: str = "X-Request-ID"
    actor: Callable[[Any], str] | None = None
    roles: Callable[[Any], Iterable[str]] | None = None
    anonymous: str | None = "anonymous"


@lru_cache(maxsize=1)
def configuration() -> Configuration:
    """Return what the settings say. Raises ConfigurationError naming what is wrong with them."""
    said = getattr(settings, SETTING, None)
    if said is None:
        raise _wrong(
            "it is missing", 'Say which tables are recorded: {"tables": {"shop_order": {"order": "id"}}}.'
        )
    if not isinstance(said, dict):
        raise _wrong(f"it is a {type(said).__name__}", "Make it a dictionary.")
    trusted = said.get("trusted_proxies", ())
    if isinstance(trusted, str):
        raise _wrong(f"trusted_proxies is the text {trusted!r}", "Make it a list of networks.")
    return Configuration(
        policy=_policy(said),
        databases=_databases(said.get("databases")),
        name=said.get("name", "django"),
        sealer=_sealer(said.get("sealer")),
        proxies=Proxies.of(one for one in trusted if one != UNIX),
        trusts_unix=UNIX in trusted,
        request_id_header=said.get("request_id_header", "X-Request-ID"),
        actor=_function(said, "actor"),
        roles=_function(said, "roles"),
        anonymous=said.get("anonymous", "anonymous"),
    )


def _policy(said: dict[str, Any]) -> Policy:
    fields = {name: value for name, value in said.items() if name not in _OWN}
    source = said.get("policy")
    if source is None:
        return Policy.from_dict(fields)
    if fields:
        raise _wrong(
            f"it has both policy and {', '.join(sorted(fields))}", "Put these into the policy's file."
        )
    return source if isinstance(source, Policy) else Policy.from_toml(Path(source))


def _databases(said: Any) -> tuple[str, ...] | None:
    if said is None:
        return None
    unknown = [alias for alias in said if alias not in settings.DATABASES]
    if isinstance(said, str) or unknown:
        known = ", ".join(settings.DATABASES)
        raise _wrong(f"databases is {said!r}", f"Name aliases of DATABASES in a list: {known}.")
    return tuple(said)


def _sealer(said: Any) -> Sealer | None:
    found = _imported(said, "sealer")
    made = found() if callable(found) and not hasattr(found, "seal") else found
    return made if made is None else _checked_sealer(made)


def _checked_sealer(made: Any) -> Sealer:
    if not hasattr(made, "seal"):
        raise _wrong(f"sealer is a {type(made).__name__}", "Name a Sealer, or a function that returns one.")
    sealer: Sealer = made
    return sealer


def _function(said: dict[str, Any], name: str) -> Any:
    found = _imported(said.get(name), name)
    if found is not None and not callable(found):
        raise _wrong(f"{name} is a {type(found).__name__}", "Name a function of a user.")
    return found


def _imported(said: Any, name: str) -> Any:
    if not isinstance(said, str):
        return said
    try:
        return import_string(said)
    except ImportError as error:
        raise _wrong(f"{name}: {error}", "Correct the dotted path.") from None


def _wrong(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        f"the setting {SETTING} is wrong: {what}", meaning="Nothing is captured.", remedy=remedy
    )


def restricted(policy: Policy, tables: Iterable[str]) -> Policy:
    """Return a policy for some of its tables; it keeps its version, which stands in each event."""
    wanted = set(tables)
    kept = {name: rule for name, rule in policy.tables.items() if name in wanted}
    return msgspec.structs.replace(policy, tables=kept, version=policy.version or policy.digest)


def _forget(*, setting: str, **_: Any) -> None:
    """Read the settings again where a test overrides them."""
    if setting == SETTING:
        configuration.cache_clear()


setting_changed.connect(_forget, dispatch_uid="ordertrail.configuration")

"""``ordertrail access``: who may come in, by which roles, and the keys of programs.

Whoever runs it holds the trail's directory, and with it everything in it: it is how the first administrator is made,
and the way back in where nobody else is left. What it does is told to the trail like anything else. Passwords come from
a prompt or a file, never from the command line, where every process of the machine could read them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.access.account import Account, AccountState, Kind
from ordertrail.access.administration import Given, Wanted
from ordertrail.access.key import ApiKey
from ordertrail.access.principal import Scope
from ordertrail.access.roles import ALLOWS, NOT_BY_KEY, PURPOSE, SEPARATED, roles_of, verbs_of
from ordertrail.access.service import Access, local_principal
from ordertrail.access.telling import Where
from ordertrail.access.verbs import Verb
from ordertrail.assembly import open_trail
from ordertrail.assembly.access import open_access
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError, Problem

app = typer.Typer(help="Who may come in, and what they may do.", no_args_is_help=True)

_HERE = Where(channel="cli")

NameArgument = Annotated[str, typer.Argument(help="The account's name or id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept in the trail.")]
RolesOption = Annotated[list[str], typer.Option("--role", help="A role; as many as you like.")]
TenantsOption = Annotated[
    list[str] | None, typer.Option("--tenant", help="A tenant to look at; without it, all.")
]
ChannelsOption = Annotated[list[str] | None, typer.Option("--channel", help="A channel; without it, all.")]
RegionsOption = Annotated[list[str] | None, typer.Option("--region", help="A region; without it, all.")]
SeesOption = Annotated[bool, typer.Option("--sees-identities", help="See names where others see pseudonyms.")]
FileOption = Annotated[
    Path | None, typer.Option("--password-file", help="A file whose first line is the password.")
]


@contextmanager
def _opened(root: Path) -> Iterator[Access]:
    with open_trail(root) as trail, open_access(root, trail) as access:
        yield access


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What is typed to sign in.")],
    role: RolesOption,
    title: Annotated[
        str | None, typer.Option("--title", help="What others are shown; without it, the name.")
    ] = None,
    tenant: TenantsOption = None,
    channel: ChannelsOption = None,
    region: RegionsOption = None,
    sees_identities: SeesOption = False,
    service: Annotated[
        bool, typer.Option("--service", help="A program, which has keys and no password.")
    ] = False,
    invite: Annotated[
        bool, typer.Option("--invite", help="Print an invitation to choose a password.")
    ] = False,
    password_file: FileOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Add a person or a service. A person's password is asked for, read from a file, or chosen by invitation."""
    wanted = Wanted(roles_of(role), _scope(tenant, channel, region), sees_identities)
    password = None if service or invite else _password(password_file)
    kind = Kind.SERVICE if service else Kind.PERSON
    with _opened(trail) as access:
        given = access.people.add(local_principal(), name, title or name, wanted, _HERE, kind=kind)
        if password is not None:
            access.people.set_password(local_principal(), given.account, password, _HERE)
            given = replace(given, account=access.people.seen(local_principal(), name))
        token = access.people.invite(local_principal(), name, _HERE)[0] if invite and not service else None
    _say_given(given, token, as_json=as_json)


@app.command("set")
def set_(
    name: NameArgument,
    role: RolesOption,
    tenant: TenantsOption = None,
    channel: ChannelsOption = None,
    region: RegionsOption = None,
    sees_identities: SeesOption = False,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Give an account just these roles and this scope; whoever is signed in to it signs in again."""
    wanted = Wanted(roles_of(role), _scope(tenant, channel, region), sees_identities)
    with _opened(trail) as access:
        given = access.people.change(local_principal(), name, wanted, _HERE)
    _say_given(given, None, as_json=as_json)


@app.command("list")
def list_(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """List all accounts, those that were withdrawn too."""
    with _opened(trail) as access:
        accounts = access.people.every(local_principal())
    if as_json:
        say_json({"accounts": [_account_told(one) for one in accounts]})
        return
    rows = [
        (one.name, one.id, one.state.value, ", ".join(one.roles), _scope_words(one.scope)) for one in accounts
    ]
    say_table(("name", "id", "state", "roles", "looks at"), rows)


@app.command()
def roles(as_json: JsonOption = False) -> None:
    """List the roles, what each allows, and what must not meet in one person."""
    if as_json:
        apart = [{"verbs": [one.one, one.other], "weight": one.weight, "why": one.why} for one in SEPARATED]
        say_json({"roles": {role: sorted(verbs) for role, verbs in ALLOWS.items()}, "apart": apart})
        return
    say_table(("role", "who"), [(role.value, PURPOSE[role]) for role in ALLOWS])
    say()
    say_table(
        ("apart", "", "why"),
        [(one.one.value, one.other.value, f"{one.weight}: {one.why}") for one in SEPARATED],
    )


@app.command()
def invite(name: NameArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Print an invitation with which a person chooses a password, once; earlier ones are good no more."""
    with _opened(trail) as access:
        token, ends = access.people.invite(local_principal(), name, _HERE)
    if as_json:
        say_json({"invitation": token, "ends": format_time(ends)})
    else:
        say(f"Good until {format_time(ends)}, once, at /sign-in/invitation:\n  {token}")


@app.command()
def password(name: NameArgument, password_file: FileOption = None, trail: TrailOption = TRAIL) -> None:
    """Set a person's password, from a prompt or a file; whoever is signed in to the account signs in again."""
    chosen = _password(password_file)
    with _opened(trail) as access:
        account = access.people.seen(local_principal(), name)
        access.people.set_password(local_principal(), account, chosen, _HERE)
    say(f"{account.name} has a new password.")


@app.command("forget-factor")
def forget_factor(name: NameArgument, reason: ReasonOption, trail: TrailOption = TRAIL) -> None:
    """Take away a second factor that its person has lost, and its recovery codes."""
    with _opened(trail) as access:
        access.people.forget_factor(local_principal(), name, _HERE, reason)
    say(f"{name} has no second factor any more.")


@app.command()
def withdraw(name: NameArgument, reason: ReasonOption, trail: TrailOption = TRAIL) -> None:
    """Let an account come in no more; its sessions and keys are good for nothing from now on."""
    with _opened(trail) as access:
        access.people.withdraw(local_principal(), name, _HERE, reason)
    say(f"{name} may not come in any more.")


@app.command()
def readmit(name: NameArgument, reason: ReasonOption, trail: TrailOption = TRAIL) -> None:
    """Let a withdrawn account come in again."""
    with _opened(trail) as access:
        access.people.readmit(local_principal(), name, _HERE, reason)
    say(f"{name} may come in again.")


@app.command("make-key")
def make_key(
    name: NameArgument,
    label: Annotated[str, typer.Option("--label", help="What it is for.")],
    verb: Annotated[
        list[str] | None, typer.Option("--verb", help="What it may do; without it, all that the account may.")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How long it is good: 1 to 366.")] = 90,
    tenant: TenantsOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Make an API key of an account, and print it: it is kept nowhere, and cannot be shown again."""
    scope = _scope(tenant, None, None)
    with _opened(trail) as access:
        account = access.people.seen(local_principal(), name)
        verbs = verbs_of(account.roles) - NOT_BY_KEY if verb is None else _verbs(verb)
        life = timedelta(days=max(-1, min(days, 100_000)))
        made = access.keyring.make(local_principal(), account, label, verbs, life, _HERE, scope)
    if as_json:
        say_json({"key": made.text, **_key_told(made.key)})
    else:
        say(
            f"Good until {format_time(made.key.ends)} for {', '.join(sorted(made.key.verbs))}:\n  {made.text}"
        )


@app.command()
def keys(
    name: Annotated[str | None, typer.Argument(help="The account's name or id; without it, all.")] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """List API keys, without what is secret of them."""
    with _opened(trail) as access:
        account = None if name is None else access.people.seen(local_principal(), name)
        found = access.keyring.of(local_principal(), account)
    if as_json:
        say_json({"keys": [_key_told(one) for one in found]})
        return
    rows = [
        (one.id, one.account, one.label, format_time(one.ends)[:10], _used(one), ", ".join(sorted(one.verbs)))
        for one in found
    ]
    say_table(("key", "account", "label", "ends", "last used", "may"), rows)


@app.command("withdraw-key")
def withdraw_key(
    key: Annotated[str, typer.Argument(help="The key's id: what stands between its first two underscores.")],
    reason: ReasonOption,
    trail: TrailOption = TRAIL,
) -> None:
    """Withdraw an API key for good."""
    with _opened(trail) as access:
        access.keyring.withdraw(local_principal(), key, _HERE, reason)
    say(f"The key {key} is good for nothing any more.")


def _password(file: Path | None) -> str:
    """Return a password from a file's first line, or from the terminal, twice."""
    if file is None:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        return file.read_text().partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem("password-file", f"{file} cannot be read: {error}")) from None


def _scope(tenants: list[str] | None, channels: list[str] | None, regions: list[str] | None) -> Scope:
    return Scope(frozenset(tenants) if tenants else None, frozenset(channels or ()), frozenset(regions or ()))


def _verbs(names: Sequence[str]) -> frozenset[Verb]:
    """Read verbs. Raises InputError naming each that is none."""
    known = {verb.value: verb for verb in Verb}
    problems = [
        Problem(f"verb.{place}", f"{name[:60]!r} is no verb; there are {', '.join(known)}")
        for place, name in enumerate(names)
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    return frozenset(known[name] for name in names)


def _say_given(given: Given, token: str | None, *, as_json: bool) -> None:
    warnings = [one.why for one in given.warnings]
    if as_json:
        invitation = {} if token is None else {"invitation": token}
        say_json({"account": _account_told(given.account), "warnings": warnings, **invitation})
        return
    account = given.account
    does = ", ".join(account.roles) or "nothing"
    say(f"{account.name} ({account.id}) is {does}; looks at {_scope_words(account.scope)}.")
    for warning in warnings:
        say(f"warning: {warning}")
    if token is not None:
        say(f"An invitation to choose a password, good once, at /sign-in/invitation:\n  {token}")


def _account_told(account: Account) -> dict[str, Any]:
    scope = account.scope
    return {
        "id": account.id,
        "name": account.name,
        "title": account.title,
        "kind": account.kind,
        "active": account.state is AccountState.ACTIVE,
        "roles": sorted(account.roles),
        "tenants": None if scope.tenants is None else sorted(scope.tenants),
        "channels": sorted(scope.channels),
        "regions": sorted(scope.regions),
        "sees_identities": account.sees_identities,
        "password": account.password is not None,
        "second_factor": account.totp is not None,
        "issuer": None if account.bound is None else account.bound.issuer,
    }


def _key_told(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "account": key.account,
        "label": key.label,
        "verbs": sorted(key.verbs),
        "tenants": None if key.scope.tenants is None else sorted(key.scope.tenants),
        "ends": format_time(key.ends),
        "used": None if key.used is None else format_time(key.used),
        "withdrawn": None if key.withdrawn is None else format_time(key.withdrawn),
    }


def _used(key: ApiKey) -> str:
    if key.withdrawn is not None:
        return f"withdrawn {format_time(key.withdrawn)[:10]}"
    return "never" if key.used is None else format_time(key.used)[:10]


def _scope_words(scope: Scope) -> str:
    parts = [
        f"{name} {', '.join(sorted(values)) or 'none'}"
        for name, values in (
            ("tenant", scope.tenants),
            ("channel", scope.channels),
            ("region", scope.regions),
        )
        if values or (name == "tenant" and values is not None)
    ]
    return "; ".join(parts) or "everything"

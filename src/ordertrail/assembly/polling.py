"""The sources that are asked, from their settings: how, with which secret, and how often."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ordertrail.adapters.http.asking import HttpAsker, Token
from ordertrail.assembly.stores import read_settings
from ordertrail.intake.asking import PLANS, Paging, Plan
from ordertrail.intake.polling import Polled
from ordertrail.intake.service import Intake
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.settings import PollSettings, SourceSettings, secret


def open_polled(root: Path, intake: Intake) -> list[Polled]:
    """Return the sources that are to be asked. Raises ConfigurationError where there is none, or one cannot be."""
    found = [
        _polled(root, intake, one, one.poll) for one in read_settings(root).sources if one.poll is not None
    ]
    if not found:
        raise ConfigurationError(
            "no source is to be asked",
            remedy="Say how in [sources.poll], below the [[sources]] that does not send by itself.",
        )
    return found


def _polled(root: Path, intake: Intake, source: SourceSettings, said: PollSettings) -> Polled:
    name = f"{source.channel}/{source.account}"
    plan = _plan(name, source.channel, said)
    proof = _secret(root, name, said)
    if proof is not None:
        for url in (said.url, *([] if said.token_url is None else [said.token_url])):
            _require_private(name, url)
    return Polled(
        intake.sources[name],
        plan,
        said.url,
        HttpAsker(plan.credential, proof),
        timedelta(seconds=said.every_seconds),
        timedelta(seconds=said.overlap_seconds),
        timedelta(days=said.first_days),
    )


def _plan(name: str, channel: str, said: PollSettings) -> Plan:
    if said.path is not None:
        plan = Plan(said.path, said.parameters, Paging(said.paging), said.at, said.size)
    elif channel in PLANS:
        plan = PLANS[channel]
    else:
        raise ConfigurationError(
            f"it is not known how {name} is asked for its orders",
            meaning="Nothing was asked.",
            remedy=f"Say path, parameters and paging in its poll; without them: {', '.join(sorted(PLANS))}.",
        )
    return plan if said.credential is None else replace(plan, credential=said.credential)


def _secret(root: Path, name: str, said: PollSettings) -> str | Token | None:
    def read(file: str | None, setting: str) -> str | None:
        found = None if file is None else secret("", str(root / file), f"sources.{name}.poll.{setting}")
        return None if found is None else found.decode()

    proof, refresh = read(said.secret_file, "secret_file"), read(said.refresh_file, "refresh_file")
    if said.token_url is None:
        return proof
    client, colon, word = (proof or "").partition(":")
    if not colon:
        raise ConfigurationError(
            f"{name} is asked with a token, and its secret is not client:secret",
            remedy="Put the client's id and its secret, with a colon between them, into the file of secret_file.",
        )
    return Token(said.token_url, (client, word), refresh, said.scope)


def _require_private(name: str, url: str) -> None:
    """Refuse to send a secret over a network in the clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return
    try:
        if ip_address(parts.hostname or "").is_loopback:
            return
    except ValueError:
        pass
    raise ConfigurationError(
        f"{name} would be asked over http, and its secret could be read on the way",
        meaning="Nothing was asked.",
        remedy="Give an address that begins with https://.",
    )

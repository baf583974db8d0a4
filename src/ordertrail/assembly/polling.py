"""The sources and providers that are asked, from their settings: how, with which secret, and how often."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ordertrail.adapters.http.asking import HttpAsker, Manners, Token
from ordertrail.assembly.background import Listener, Stopping
from ordertrail.assembly.correlate import open_correlate
from ordertrail.assembly.intake import open_intake
from ordertrail.assembly.stores import read_settings
from ordertrail.correlate.asking import Asking, Round
from ordertrail.correlate.provider import asking_of
from ordertrail.correlate.service import Correlate
from ordertrail.intake.asking import PLANS, Paging, Plan
from ordertrail.intake.polling import Polled
from ordertrail.intake.service import Intake
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.settings import PollSettings, SourceSettings, secret
from ordertrail.settings.correlate import ProviderPollSettings, ProviderSettings

POLLING = "poll"
OUTSIDE_POLLING = "outside:poll"
"""The names of the jobs that ask."""


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


def run_polling(root: Path, stopping: Stopping, listener: Listener) -> None:
    """Ask sources that do not send by themselves, when they are due, until asked to end."""
    with open_intake(root) as intake:
        polled = open_polled(root, intake)
        listener.running(POLLING, well=True)
        intake.poller().follow(polled, stopping, stopping.rest)


def run_outside_polling(root: Path, stopping: Stopping, listener: Listener) -> None:
    """Ask gateways and carriers, when they are due, until asked to end."""
    with open_correlate(root) as correlate:
        polled = open_outside(root, correlate, read_settings(root).correlate.providers)
        listener.running(OUTSIDE_POLLING, well=True)
        correlate.intake.poller().follow(polled, stopping, stopping.rest)


def open_outside(root: Path, correlate: Correlate, said: list[ProviderSettings]) -> list[Polled]:
    """Return the accounts of gateways and carriers that are to be asked. Raises ConfigurationError as above."""
    found = [_provider(root, correlate, one, one.poll) for one in said if one.poll is not None]
    if not found:
        raise ConfigurationError(
            "no gateway and no carrier is to be asked",
            remedy="Add [correlate.providers.poll] below the [[correlate.providers]] that is, with its secret_file.",
        )
    return found


def _provider(
    root: Path, correlate: Correlate, account: ProviderSettings, said: ProviderPollSettings
) -> Polled:
    name = f"{account.provider}/{account.account}"
    asking = asking_of(account.provider)
    if asking is None:
        raise ConfigurationError(
            f"{name} cannot be asked: its provider documents no list of what happened there",
            meaning="Nothing was asked.",
            remedy="Leave its poll out; take its webhooks in, and hand its reports in: ordertrail outside take.",
        )
    base = said.url or asking.base
    proof = _key(root, f"correlate.providers.{name}.poll", said.secret_file, "secret_file")
    if proof is not None:
        _require_private(name, base)
    source = correlate.intake.sources[name]
    overlap = asking.overlap if said.overlap_seconds is None else timedelta(seconds=said.overlap_seconds)
    return Polled(
        source,
        Round(asking, correlate.parcels(source, asking.parcel)),
        base,
        HttpAsker(
            asking.credential, _proof(name, base, asking, proof), Manners(asking.headers, asking.absent)
        ),
        asking.every if said.every_seconds is None else timedelta(seconds=said.every_seconds),
        overlap,
        max(timedelta(days=said.first_days), overlap),
        again=False,
    )


def _proof(name: str, base: str, asking: Asking, proof: str | None) -> str | Token | None:
    """Return what proves us to a provider: its secret, or where tokens are made of it."""
    if asking.tokens_at is None or proof is None:
        return proof
    url = f"{base.rstrip('/')}{asking.tokens_at}"
    return Token(url, _client(name, proof), posted=asking.client_posted)


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
    proof = _key(root, f"sources.{name}.poll", said.secret_file, "secret_file")
    refresh = _key(root, f"sources.{name}.poll", said.refresh_file, "refresh_file")
    if said.token_url is None:
        return proof
    return Token(said.token_url, _client(name, proof or ""), refresh, said.scope)


def _key(root: Path, section: str, file: str | None, setting: str) -> str | None:
    found = None if file is None else secret("", str(root / file), f"{section}.{setting}")
    return None if found is None else found.decode()


def _client(name: str, proof: str) -> tuple[str, str]:
    client, colon, word = proof.partition(":")
    if not colon:
        raise ConfigurationError(
            f"{name} is asked with a token, and its secret is not client:secret",
            remedy="Put the client's id and its secret, with a colon between them, into the file of secret_file.",
        )
    return client, word


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

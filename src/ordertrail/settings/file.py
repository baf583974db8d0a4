"""The settings file: its sections together, read strictly, written for a new trail."""

import json
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.record.actions import Action, Catalogue
from ordertrail.settings.access import AccessSettings
from ordertrail.settings.actions import CorrectiveSettings, GovernanceSettings, WebhookSettings
from ordertrail.settings.behaviour import BehaviourSettings
from ordertrail.settings.correlate import CorrelateSettings
from ordertrail.settings.evidence import EvidenceSettings
from ordertrail.settings.export import ExporterSettings
from ordertrail.settings.forecast import ForecastSettings
from ordertrail.settings.intake import BusSettings, IntakeSettings, SourceSettings
from ordertrail.settings.monitor import MonitorSettings
from ordertrail.settings.notify import NotifySettings, RouteSettings
from ordertrail.settings.retention import RetentionSettings
from ordertrail.settings.secrets import PREFIX
from ordertrail.settings.section import Section
from ordertrail.settings.segments import SegmentSettings
from ordertrail.settings.serve import RelaySettings, ServeSettings
from ordertrail.settings.storage import (
    AnchorSettings,
    DatabaseSettings,
    IndexSettings,
    SignerSettings,
    TimestampSettings,
    VaultSettings,
    WitnessSettings,
)
from ordertrail.settings.transport import TransportSettings

SETTINGS = "trail.toml"
VERSION: Final = 1
"""The version of the file that this program reads."""

NESTED = "__"


def _catalogue(value: object) -> object:
    """Read the trail's own actions: a phrase each, or a table of phrase and sensitive."""
    if not isinstance(value, dict):
        return value
    return Catalogue(_action(name, one) for name, one in value.items())


def _action(name: str, value: object) -> Action:
    match value:
        case str():
            return Action(name, value)
        case {"phrase": str(phrase), **rest} if rest.keys() <= {"sensitive"}:
            return Action(name, phrase, bool(rest.get("sensitive", False)))
    raise InputError(Problem(f"actions.{name}", "is a phrase, or a table of phrase and sensitive"))


class _File(Section):
    """What ``trail.toml`` holds, by itself: true is true, and "true" is not."""

    version: Literal[1] = VERSION
    """Of the file."""
    immutable: bool = True
    """Set the immutable flag on kept objects where the system allows it."""
    post_quantum: bool = False
    """Add ML-DSA-44 signatures to published checkpoints."""
    actions: Annotated[Catalogue, BeforeValidator(_catalogue)] = Field(default_factory=Catalogue)
    """The trail's own actions, beside the catalogue."""
    database: DatabaseSettings = DatabaseSettings()
    vault: VaultSettings = VaultSettings()
    signer: SignerSettings = SignerSettings()
    timestamps: list[TimestampSettings] = Field(default_factory=list)
    """Time-stamp authorities."""
    witnesses: WitnessSettings = WitnessSettings()
    anchor: AnchorSettings = AnchorSettings()
    index: IndexSettings = IndexSettings()
    intake: IntakeSettings = IntakeSettings()
    bus: BusSettings = BusSettings()
    transport: TransportSettings = TransportSettings()
    retention: RetentionSettings = RetentionSettings()
    serve: ServeSettings = ServeSettings()
    access: AccessSettings = AccessSettings()
    segments: SegmentSettings = SegmentSettings()
    monitor: MonitorSettings = MonitorSettings()
    correlate: CorrelateSettings = CorrelateSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    notify: NotifySettings = NotifySettings()
    forecast: ForecastSettings = ForecastSettings()
    behaviour: BehaviourSettings = BehaviourSettings()
    corrective: CorrectiveSettings = CorrectiveSettings()
    governance: GovernanceSettings = GovernanceSettings()
    sources: list[SourceSettings] = Field(default_factory=list)
    """Where orders come from."""
    relays: list[RelaySettings] = Field(default_factory=list)
    """Outboxes of applications."""
    exporters: list[ExporterSettings] = Field(default_factory=list)
    """Where sealed events are sent on."""
    routes: list[RouteSettings] = Field(default_factory=list)
    """Who is told of what, and how."""
    webhooks: list[WebhookSettings] = Field(default_factory=list)
    """Systems that carry corrective actions out."""


class Settings(_File, BaseSettings):
    """What a trail's owner may choose."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=NESTED)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library hands over all its sources
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the environment before what the file or the caller said."""
        return env_settings, init_settings


LISTS: Final[Mapping[str, type[Section]]] = MappingProxyType(
    {
        "timestamps": TimestampSettings,
        "sources": SourceSettings,
        "relays": RelaySettings,
        "exporters": ExporterSettings,
        "routes": RouteSettings,
        "webhooks": WebhookSettings,
    }
)
"""The sections of which there may be many."""


def format_settings(settings: Settings) -> str:
    """Write the settings file of a new trail: the choices, and each section that is not the default."""
    lines = [f"version = {VERSION}", f"immutable = {_toml(settings.immutable)}"]
    lines += [f"post_quantum = {_toml(settings.post_quantum)}", "", "[actions]"]
    for name in settings.actions.own:
        action = settings.actions[name]
        phrase, sensitive = _toml(action.phrase), _toml(action.sensitive)
        lines.append(f"{_toml(name)} = {{ phrase = {phrase}, sensitive = {sensitive} }}")
    sections: list[tuple[str, BaseModel]] = [
        (f"[{name}]", chosen)
        for name, field in _File.model_fields.items()
        if isinstance(chosen := getattr(settings, name), Section) and chosen != field.default
    ]
    sections += [(f"[[{name}]]", one) for name in LISTS for one in getattr(settings, name)]
    for heading, section in sections:
        chosen = section.model_dump(exclude_unset=True, exclude_none=True)
        lines += ["", heading, *(f"{name} = {_toml(value)}" for name, value in chosen.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """Write a value. JSON's strings, numbers and booleans are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def parse_settings(text: str) -> Settings:
    """Read a settings file and what the environment says over it.

    Raises ConfigurationError naming everything that is wrong with either.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{SETTINGS} is not TOML: {error}") from None
    try:
        _File.model_validate(data, strict=True)
    except ValidationError as error:
        told = "; ".join(str(_problem(one)) for one in error.errors())
        raise ConfigurationError(f"{SETTINGS}: {told}") from None
    except InputError as error:
        raise ConfigurationError(f"{SETTINGS}: {error}") from None
    try:
        return Settings(**data)
    except ValidationError as error:
        told = "; ".join(
            f"{PREFIX}{NESTED.join(map(str, one['loc'])).upper()}: {_problem(one).message}"
            for one in error.errors()
        )
        raise ConfigurationError(f"the environment: {told}") from None
    except SettingsError as error:  # a section that is not one: its own words show the value
        raise ConfigurationError(f"the environment cannot be read: {type(error).__name__}") from None


def _problem(error: Any) -> Problem:
    """Say what pydantic found in this project's words."""
    path = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return Problem(path, f"is not a setting; the settings are {', '.join(_known(error['loc'][:-1]))}")
    if path == "version":
        return Problem(path, f"must be {VERSION}; a newer OrderTrail may be needed")
    message = error["msg"].removeprefix("Value error, ")
    told = f"{message[0].lower()}{message[1:]}"
    # What our own rules refused is not shown: it may hold a password where none belongs.
    return Problem(path, told if error["type"] == "value_error" else f"{told}, not {error['input']!r}")


def _known(section: tuple[int | str, ...]) -> list[str]:
    """Return the names of the settings of a section."""
    models: dict[str, type[BaseModel]] = {"": _File, **LISTS}
    for name, field in _File.model_fields.items():
        if isinstance(field.default, Section):
            models[name] = type(field.default)
    return list(models[str(section[0]) if section else ""].model_fields)


def named_files(settings: Settings) -> list[str]:
    """Return the files that settings name and that go with them into a backup; no file of a secret is among them."""
    named = (
        settings.witnesses.policy,
        settings.vault.ca_bundle,
        settings.corrective.file,
        settings.forecast.targets,
        *(one.roots for one in settings.timestamps),
    )
    return [name for name in named if name is not None]

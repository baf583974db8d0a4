"""Settings of what keeps, signs, stamps and indexes a trail."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ordertrail.settings.section import Section, with_scheme, without_password


class DatabaseSettings(Section):
    """Where entries and the journal are kept."""

    url: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """A PostgreSQL server's database, as the sealing role; without it, ``ordertrail.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_DATABASE_PASSWORD."""
    admin_url: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """The same database as a role that may create tables; ``init`` and ``migrate`` use it."""
    admin_password_file: str | None = None
    """A file that holds that role's password; without it, ORDERTRAIL_DATABASE_ADMIN_PASSWORD."""
    lease_seconds: Annotated[int, Field(ge=2, le=3_600)] = 10
    """Seconds without a sign of life after which another sequencer may take over."""


class VaultSettings(Section):
    """Where the published tree and the blobs are kept."""

    url: Annotated[str, with_scheme("s3")] | None = None
    """A bucket with Object Lock, and a prefix in it; without it, the trail's directory."""
    endpoint: str | None = None
    """The S3 endpoint; without it, Amazon's."""
    region: str | None = None
    """The bucket's region."""
    mode: Literal["COMPLIANCE", "GOVERNANCE"] = "COMPLIANCE"
    """The retention mode of kept objects."""
    ca_bundle: str | None = None
    """A file of certificates that the endpoint's certificate must lead to; without it, the system's."""


class SignerSettings(Section):
    """What holds the signing keys."""

    kind: Literal["file", "pkcs11", "kms"] = "file"
    """Key files in ``keys/``, a PKCS #11 token, or a key management service."""
    module: str | None = None
    """The PKCS #11 library."""
    token: str | None = None
    """The label of the token."""
    pin_file: str | None = None
    """A file that holds the token's PIN; without it, ORDERTRAIL_PIN."""
    endpoint: str | None = None
    """The key management service; without it, Amazon's."""
    region: str | None = None
    """The service's region."""


class TimestampSettings(Section):
    """A time-stamp authority (RFC 3161)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """What it is called here; part of the names under which its stamps are kept."""
    url: Annotated[str, with_scheme("http", "https")]
    """Where it answers."""
    roots: str
    """A PEM file of the certificates that its certificate must lead to."""
    policy: str | None = None
    """The policy (an object identifier) under which it must stamp."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """Seconds to wait for it."""


class WitnessSettings(Section):
    """Who else remembers the log's head (C2SP tlog-witness)."""

    policy: str | None = None
    """A C2SP tlog-policy file: the witnesses, where they answer, and how many must have cosigned."""
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """Seconds to wait for each."""


class AnchorSettings(Section):
    """How often the ragged edge of the log is published while sealing goes on."""

    seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Seconds between two anchors, at most."""
    entries: Annotated[int, Field(ge=256)] = 65_536
    """Entries between two anchors, at most."""


class IndexSettings(Section):
    """Where the index is kept, by which events are searched. It is no evidence, and can be made anew."""

    url: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """A PostgreSQL database, as a role that may create a schema; without it, ``index.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_INDEX_PASSWORD."""

"""Where in S3 a trail is kept: ``s3://bucket/prefix``, the endpoint that serves it, and how objects are locked.

Credentials are not part of it. They come from the standard AWS chain (environment, ``~/.aws``, the machine's
role) and from nowhere else, so that none stands in a setting, on a command line or in a log.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ordertrail.kernel.errors import ConfigurationError

Mode = Literal["COMPLIANCE", "GOVERNANCE"]
"""Who may shorten a lock: nobody, or whoever has the right ``s3:BypassGovernanceRetention``."""

#: The part size of an upload in several parts, and the size above which a payload is uploaded so.
PART_SIZE: Final = 16 << 20

# "Bucket naming rules" (Amazon S3 User Guide); dots are legal though no certificate fits them.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, a prefix in it (empty, or ending with ``/``), and how it is reached.

    ``endpoint`` is the store's URL (None: AWS), ``ca_bundle`` a file of certificates to trust (None: the
    system's), ``connections`` how many requests may be under way at once. The times, in seconds, and the
    ``attempts`` bound how long a store that does not answer can hold a call up.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    mode: Mode = "COMPLIANCE"
    ca_bundle: str | None = None
    connections: int = 16
    attempts: int = 4
    connect_seconds: float = 5
    read_seconds: float = 20

    @property
    def url(self) -> str:
        """The place as it is written in the settings."""
        return f"{_SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def where(self) -> str:
        """The place as a person is told of it."""
        return f"{self.url} at {self.endpoint}" if self.endpoint else self.url


def parse_place(
    url: str,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    mode: str = "COMPLIANCE",
    ca_bundle: str | None = None,
) -> S3Place:
    """Read a place from its settings. Raises ConfigurationError that names the setting."""
    bucket, _, prefix = url.removeprefix(_SCHEME).partition("/")
    if not url.startswith(_SCHEME) or not _BUCKET.fullmatch(bucket):
        raise ConfigurationError(
            f"{url!r} is no place in S3",
            remedy="Set url of [vault] to s3:// and the bucket's name, and a prefix if you like: s3://audit/orders.",
        )
    prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    if not prefix.isprintable() or {"", ".", ".."} & set(prefix.split("/")[:-1]):
        raise ConfigurationError(
            f"{prefix!r} cannot begin the names of objects",
            remedy="Give url of [vault] a plain prefix such as s3://audit/orders.",
        )
    for known in get_args(Mode):
        if mode == known:
            return S3Place(bucket, prefix, endpoint, region, known, ca_bundle)
    raise ConfigurationError(
        f"{mode!r} is no way to lock an object",
        remedy="Set mode of [vault] to COMPLIANCE (nobody can shorten it) or GOVERNANCE (a special right can).",
    )

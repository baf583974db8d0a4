"""A trail's settings: ``trail.toml`` in its directory, read strictly, and environment variables over it.

::

    version = 1
    immutable = true          # set the immutable flag on kept objects where the system allows it
    post_quantum = false      # add ML-DSA-44 signatures to published checkpoints

    [actions]                 # the trail's own actions, beside the catalogue
    "order.gift.wrap" = "wrapped as a gift"
    "order.vip.flag" = { phrase = "flagged as VIP", sensitive = true }

    [database]                # without it: ordertrail.db in the trail's directory
    url = "postgresql://sealer@db.example.com/orders"
    password_file = "/run/secrets/orders-db"

    [vault]                   # without it: the trail's directory
    url = "s3://orders-evidence/main"
    endpoint = "https://s3.eu-central-1.example.com"

    [signer]                  # without it: key files in keys/
    kind = "pkcs11"
    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "ordertrail"
    pin_file = "/run/secrets/hsm-pin"

    [[timestamps]]            # RFC 3161 authorities; as many as you like
    name = "example"
    url = "https://tsa.example.com"
    roots = "tsa-roots.pem"

    [witnesses]
    policy = "witnesses.policy"    # C2SP tlog-policy

    [intake]                  # without it: orders.db in the trail's directory
    url = "postgresql://intake@db.example.com/shop"
    password_file = "/run/secrets/shop-db"

    [[sources]]               # accounts of channels that orders come from; as many as you like
    channel = "shopify"
    account = "main"
    currency = "EUR"
    secret_files = ["/run/secrets/shopify-main"]

    [transport]               # a NATS JetStream bus between applications and this trail
    urls = ["tls://n1.example.com:4222", "tls://n2.example.com:4222"]
    applications = ["shop"]

Every setting but ``version``, ``actions``, ``timestamps``, ``sources``, ``relays``, ``exporters``, ``routes`` and
``webhooks`` can come from the environment: ``ORDERTRAIL_``, its section and its name in capitals, two underscores
between them: ``ORDERTRAIL_DATABASE__URL``. What the environment says goes before the file. Secrets stand in files of
their own, or in the environment; none is ever a setting's text.
"""

from ordertrail.settings.file import (
    NESTED,
    SETTINGS,
    VERSION,
    Settings,
    format_settings,
    named_files,
    parse_settings,
)
from ordertrail.settings.intake import BusSettings, IntakeSettings, PollSettings, SourceSettings
from ordertrail.settings.secrets import PREFIX, passphrase, secret
from ordertrail.settings.storage import (
    AnchorSettings,
    DatabaseSettings,
    IndexSettings,
    SignerSettings,
    TimestampSettings,
    VaultSettings,
    WitnessSettings,
)

__all__ = [
    "NESTED",
    "PREFIX",
    "SETTINGS",
    "VERSION",
    "AnchorSettings",
    "BusSettings",
    "DatabaseSettings",
    "IndexSettings",
    "IntakeSettings",
    "PollSettings",
    "Settings",
    "SignerSettings",
    "SourceSettings",
    "TimestampSettings",
    "VaultSettings",
    "WitnessSettings",
    "format_settings",
    "named_files",
    "parse_settings",
    "passphrase",
    "secret",
]

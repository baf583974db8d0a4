"""Settings of the shop, for tests in this process and for processes that they start.

The database is what ``SHOP_DATABASE`` says, as Django's own dictionary in JSON; without it one in memory.
"""

import json
import os

SECRET_KEY = "not a secret"
USE_TZ = True
ROOT_URLCONF = "capture.django.urls"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "capture.django.shop",
    "ordertrail.capture.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "ordertrail.capture.django.ContextMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {
    "default": json.loads(
        os.environ.get("SHOP_DATABASE", '{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}')
    )
}
_RULES = {
    "shop_order": {"order": "id", "sensitive": ["total", "status"]},
    "shop_line": {"order": "order_id"},
    "shop_allocation": {"order": "line_id.order_id"},
    "shop_order_tags": {"order": "order_id"},
    "shop_following": {"order": "order_id"},
    "shop_parcel": {"order": "order_id"},
}
TABLES = tuple(_RULES)
ORDERTRAIL = {"tables": _RULES, "trusted_proxies": ["10.0.0.0/8"]}

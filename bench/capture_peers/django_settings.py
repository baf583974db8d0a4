"""Settings of the Django shop with the library that ``CAPTURE_PEER`` names; the shop is the one of our own tests."""

import os

from capture.django import settings as shop

_OURS = "ordertrail.capture.django"
_APPS = {
    "unaudited_django": [],
    "ordertrail_django": [_OURS],
    "shop_auditlog": ["auditlog", "bench.capture_peers.shop_auditlog"],
    "shop_simple_history": ["simple_history", "bench.capture_peers.shop_simple_history"],
    "shop_pghistory": ["pgtrigger", "pghistory", "bench.capture_peers.shop_pghistory"],
}

SECRET_KEY = shop.SECRET_KEY
USE_TZ = shop.USE_TZ
ROOT_URLCONF = shop.ROOT_URLCONF
DATABASES = shop.DATABASES
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = shop.PASSWORD_HASHERS
TEMPLATES = shop.TEMPLATES
MIDDLEWARE = [one for one in shop.MIDDLEWARE if not one.startswith("ordertrail.")]
INSTALLED_APPS = [one for one in shop.INSTALLED_APPS if one != _OURS] + _APPS[os.environ["CAPTURE_PEER"]]
TABLES = shop.TABLES
ORDERTRAIL = shop.ORDERTRAIL

AUDITLOG_STORE_JSON_CHANGES = True
"""Values of JSON's kinds as themselves, not as text."""

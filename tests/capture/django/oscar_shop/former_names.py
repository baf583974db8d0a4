"""A plug-in for pytest under which Oscar's tests of release 1.2 run with the Oscar and the Django of today.

No later release on PyPI has its tests with it. What they are written for stands in those places no more: modules of
Django have moved, and Oscar's settings of that time are these. With ``WITHOUT_CAPTURE`` set, capture is left out.
"""

import http.client
import io
import os
import sys
import types
import urllib.parse
from collections.abc import Iterator
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = __name__ if __name__ in sys.modules else "former_names"

from capture.django.oscar_shop.settings import *  # noqa: F403 - these settings, but for a few
from capture.django.oscar_shop.settings import INSTALLED_APPS, MIDDLEWARE

OSCAR_ALLOW_ANON_CHECKOUT = False
OSCAR_INITIAL_ORDER_STATUS = "A"
OSCAR_ORDER_STATUS_PIPELINE = {"A": ("B",), "B": ()}
OSCAR_INITIAL_LINE_STATUS = "a"
OSCAR_LINE_STATUS_PIPELINE = {"a": ("b",), "b": ()}
OSCAR_ORDER_STATUS_CASCADE = {}  # type: ignore[var-annotated,unused-ignore]
if os.environ.get("WITHOUT_CAPTURE"):
    INSTALLED_APPS = [one for one in INSTALLED_APPS if not one.startswith("ordertrail")]
    MIDDLEWARE = [one for one in MIDDLEWARE if not one.startswith("ordertrail")]

import pytest


def _module(name: str, **names: Any) -> None:
    made = sys.modules[name] = types.ModuleType(name)
    made.__dict__.update(names)


def pytest_configure() -> None:
    """Put back what has moved, and set Django up."""
    import django.urls
    import django.utils.http
    import django.utils.translation

    _module("django.core.urlresolvers", **vars(django.urls))
    _module("django.utils.six", text_type=str, string_types=(str,), StringIO=io.StringIO)
    _module("django.utils.six.moves", http_client=http.client, map=map)
    django.utils.http.urlquote = urllib.parse.quote
    django.utils.translation.ugettext_lazy = django.utils.translation.gettext_lazy
    django.setup()


@pytest.fixture(scope="session", autouse=True)
def databases() -> Iterator[None]:
    """Make Django's databases of tests, and remove them."""
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(verbosity=0, interactive=False)
    runner.setup_test_environment()
    made = runner.setup_databases()
    yield
    runner.teardown_databases(made)
    runner.teardown_test_environment()

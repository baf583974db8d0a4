"""Oscar's own tests of orders, of the checkout and of the dashboard of orders, with capture on and without."""

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from servers.postgresql import Server

TESTS = Path(__file__).parents[2]
RELEASE = "django-oscar==1.2"
"""The last release whose source distribution has its tests with it."""

BESIDE = ("django-webtest", "webtest", "webob", "waitress", "beautifulsoup4", "soupsieve", "mock")
FILES = (
    "functional/checkout/guest_checkout_tests.py", "functional/checkout/customer_checkout_tests.py",
    "functional/checkout/session_tests.py", "functional/dashboard/order_tests.py",
    "functional/customer/order_status_tests.py", "integration/order/creator_tests.py",
    "integration/order/event_handler_tests.py", "integration/order/model_tests.py",
    "integration/order/reports_tests.py", "integration/offer/post_order_action_tests.py",
    "integration/basket/view_tests.py", "integration/basket/form_tests.py", "unit/order/processing_tests.py",
    "unit/checkout/mixins_tests.py", "unit/checkout/calculator_tests.py", "unit/checkout/session_tests.py",
    "unit/checkout/forms_tests.py", "unit/dashboard/order_form_tests.py",
)  # fmt: skip
RENAMED = {"price_excl_tax=": "price=", "SessionMiddleware()": "SessionMiddleware(lambda request: None)"}


def fetch(folder: Path) -> Path:
    """Fetch the release and what its tests use beside Django from PyPI; return where the release is."""
    pip = [sys.executable, "-m", "pip", "-q"]
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "beside"), *BESIDE], check=True)
    source = [*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", str(folder), RELEASE]
    subprocess.run(source, check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    (release,) = folder.glob("django-oscar-*/")
    (release / "setup.cfg").unlink()
    (release / "tests/conftest.py").unlink()
    for file in (release / "tests").rglob("*.py"):
        text = file.read_text()
        for was, now in RENAMED.items():
            text = text.replace(was, now)
        file.write_text(text)
    return release


def run(release: Path, **environment: str) -> dict[str, str]:
    """Run the tests; return how each ended."""
    paths = [release, release.parent / "beside", TESTS, Path(__file__).parent / "oscar_shop"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "former_names", "-p", "no:cacheprovider", "--import-mode=prepend",
         "-q", "-rA", "--tb=no", "-W", "ignore", *(f"tests/{file}" for file in FILES)],
        cwd=release,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), **environment},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    ends = re.findall(r"^(PASSED|FAILED|ERROR) (tests/\S+)", done.stdout, re.MULTILINE)
    assert ends, done.stdout[-4000:] + done.stderr[-4000:]
    return {test: end for end, test in ends}


@pytest.mark.soak
@pytest.mark.skipif(
    not os.environ.get("ORDERTRAIL_SOAK"), reason="fetches a release of 24 MB; run by make soak"
)
def test_oscars_own_tests_end_as_without_capture(tmp_path: Path, postgresql_server: Server) -> None:
    """Each ends with capture as it ends without, on both databases; those of things that are no more fail both ways."""
    release = fetch(tmp_path)
    expected = run(release, WITHOUT_CAPTURE="1")
    passed = [test for test, end in expected.items() if end == "PASSED"]
    assert len(passed) > 130
    assert sum("PlacingOrder" in test or "/order/" in test for test in passed) > 20
    assert run(release) == expected
    postgresql = {
        "ENGINE": "django.db.backends.postgresql", "NAME": "oscar", "USER": "postgres",
        "HOST": str(postgresql_server.folder),
    }  # fmt: skip
    on_postgresql = run(release, WITHOUT_CAPTURE="1", SHOP_DATABASE=json.dumps(postgresql))
    assert run(release, SHOP_DATABASE=json.dumps(postgresql)) == on_postgresql

"""Conformance suites: each promise of each port, as tests that any adapter can be held to. Needs pytest.

One module a port. A suite is a class of tests; subclass it, say how the store is opened, and every promise
is checked against it::

    from ordertrail.testing.conformance.vault import VaultSuite

    class TestMyVault(VaultSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return lambda: MyVault(tmp_path)

``reopen`` gives a function that opens the one store of this test once more, as a second process would,
while what was opened before stays open and is never closed in good order: what the suite finds there was
durable. Suites that need more say so in their docstring. A suite's classes do not begin with ``Test``, so
that pytest runs only yours.
"""

import pytest

# So that a promise that is broken shows the values that broke it. Before any of them is imported.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            "access", "blind_index", "blobs", "channel", "correlate_books", "disposal", "entry_reader", "entry_store",
            "evidence", "journal", "key_ring", "key_store", "monitor", "orders", "publication", "samples",
            "sealing_lock", "table_audit", "tiles", "timestamper", "together", "vault", "witness_state",
        )
    )
)  # fmt: skip

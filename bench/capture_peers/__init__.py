"""Other libraries that record changes, on the cases and on the work that OrderTrail's capture is held to.

    .venv/bin/python bench/capture_peers/run.py [matrix] [overhead] [--quick] [--only NAME,…] [--show]

``matrix`` runs the cases of ``tests/capture/matrix.py`` and ``tests/capture/django/matrix.py`` on each library and
writes ``docs/reports/completeness-peers.md``. ``overhead`` runs the work of ``bench/capture.py`` and of
``bench/capture_django.py`` in turns on each and writes ``docs/reports/capture-overhead.md``. Without either word, both.

Each library runs in a process of its own, set up as its documentation says for tracking everything with the acting
user: one module a library (``continuum.py``, ``auditlog/``, …), which says how. They live in a virtual environment of
their own (``environment.py``), locked in ``requirements.txt``; what SQLAlchemy, Django and psycopg are in it, they are
in ours too. One judge serves all, us included (``verdict.py``): what the database's triggers saw.
"""

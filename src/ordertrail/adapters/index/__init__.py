"""The index in SQL: a SQLite file of its own beside the trail, or a schema of its own on PostgreSQL.

``database`` is what both have in common; ``sqlite`` and ``postgresql`` are the two. ``feeding`` writes, ``searching``
finds, ``counting`` counts.
"""

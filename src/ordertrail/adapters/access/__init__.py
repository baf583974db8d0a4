"""What access keeps, in SQL (a SQLite file beside the trail, or PostgreSQL) or in memory for tests; and OpenID Connect.

``tables``, ``rows``, ``marking``, ``database`` and ``stores`` are one adapter for both databases; ``oidc`` is the other
house.
"""

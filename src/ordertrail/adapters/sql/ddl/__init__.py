"""The schemas as SQL.

``sqlite/`` and ``postgresql/`` hold a trail's: ``schema.sql`` as it is created today, and the numbered steps that bring
an older one there. ``people.sql`` is that of people's keys.
"""

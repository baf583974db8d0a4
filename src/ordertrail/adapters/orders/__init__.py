"""Orders, kept: in memory, and in tables of an application's own database (SQLite, PostgreSQL), which are captured.

These tables are not the trail's: they are an application's, like any other whose writes the trail is to record.
:mod:`.policy` is the capture policy for them.
"""

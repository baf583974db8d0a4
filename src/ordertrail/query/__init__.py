"""Asking: filters, searches, histories, states as of a time, people, and the figures over a whole trail.

``projection`` is what the index keeps of an event, and ``tables`` where it keeps it; ``filters`` are the one grammar of
URLs, API, command line, rules and saved views.
"""

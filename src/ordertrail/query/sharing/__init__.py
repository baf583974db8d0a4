"""Segments as tables on storage that others read: what is shared, what proves it, and how it is checked."""

"""Segments as Parquet files in a directory, written by Apache Arrow, asked and joined by DuckDB in this process.

``schema`` is what the files have; ``arrow`` fills it; ``shelf`` keeps and publishes segments; ``inspection`` looks into
them; ``duck`` runs statements, fenced in; ``columns`` are the segments as tables of the query room.
"""

"""Segments shared as Apache Iceberg tables (format version 2), by pyiceberg; needs ``ordertrail[iceberg]``."""

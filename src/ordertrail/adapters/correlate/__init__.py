"""Where correlation keeps its projections: in memory, and in a database."""

"""Questions that people keep: saved views, and permanent links to what was seen."""

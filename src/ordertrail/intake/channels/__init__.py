"""The shipped channels, one module each: its source's documentation, its mapping, and nothing else."""

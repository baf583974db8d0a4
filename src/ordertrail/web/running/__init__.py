"""A service that runs: what each of its processes does, and what keeps them running."""

"""The outside world, by technology. Only ``assembly`` and ``testing`` name what is in here."""

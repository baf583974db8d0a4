"""Workers of a Ray cluster; needs ``pip install 'ordertrail[ray]'``."""

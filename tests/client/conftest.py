"""A real server for clients, with the shop's story in it."""

from web.api.conftest import shop

__all__ = ["shop"]

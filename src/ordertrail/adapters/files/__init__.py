"""Vault, publication, keys and locks as files of one machine."""

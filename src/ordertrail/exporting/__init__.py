"""Sending sealed events on: in the formats that others read, from where it stopped, each at least once. Pure."""

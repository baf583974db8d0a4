"""Whose payment or parcel is it? What an id names is linked; what is only likely waits for a person."""

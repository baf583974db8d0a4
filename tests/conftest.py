"""What all tests share: laws are judged by what they find, and never by how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("ordertrail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ordertrail")

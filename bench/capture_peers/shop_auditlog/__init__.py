"""The Django shop with django-auditlog; its models are registered in ``models.py``."""

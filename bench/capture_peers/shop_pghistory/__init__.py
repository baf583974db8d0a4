"""The Django shop with django-pghistory; its models are tracked in ``models.py``."""

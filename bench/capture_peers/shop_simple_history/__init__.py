"""The Django shop with django-simple-history; its models are registered in ``models.py``."""

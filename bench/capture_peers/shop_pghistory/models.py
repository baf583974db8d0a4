"""What django-pghistory tracks: every audited model, and the many-to-many table.

Its manual tracks that by a proxy of its model, which an application without migrations, as the shop is, cannot have.
"""

from typing import Any

import pghistory  # type: ignore[import-not-found]

from capture.django.shop.models import Allocation, Following, Line, Order, Parcel


def _track(model: type[Any]) -> Any:
    trackers = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
    name = f"{model.__name__}Event"
    pghistory.track(*trackers, app_label="shop_pghistory", model_name=name)(model)
    return model


TRACKED = [_track(model) for model in (Order, Line, Allocation, Following, Parcel, Order.tags.through)]

"""A lively shop, whole: what ``ordertrail demo`` opens. ``house`` puts it together from what the others tell.

``events`` is what its people and services did for some days, ``deliveries`` what its web shops sent today, and
``house`` the trail with all of it: people who may sign in, a channel that stopped, alerts, a case, a legal hold, and
one stored row that somebody edited in the night.
"""

from ordertrail.testing.shop.events import PEOPLE, Signing, fill, live_story, shop_story
from ordertrail.testing.shop.house import Shop, go_on, open_shop

__all__ = ["PEOPLE", "Shop", "Signing", "fill", "go_on", "live_story", "open_shop", "shop_story"]

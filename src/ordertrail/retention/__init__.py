"""How long events are kept, what keeps them longer, and how they are let go, with certificates of it."""

"""What keeps a served trail safe and watched: bounds, headers, health, figures, traces, logs; knows no adapter."""

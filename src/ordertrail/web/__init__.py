"""What is served over HTTP: thin, over the rooms' own services. Names no adapter."""

"""From the raw bucket's events to the catalogue."""

"""From raw to processed files."""

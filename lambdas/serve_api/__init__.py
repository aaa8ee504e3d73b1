"""Every route of the API but the one for tokens."""

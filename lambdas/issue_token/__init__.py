"""POST /token."""

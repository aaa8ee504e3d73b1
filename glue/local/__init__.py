"""The local cloud: an AWS emulator and a PostgreSQL server on this machine."""

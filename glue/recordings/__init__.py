"""Recordings: shipped from rigs, kept unchanged, catalogued, preprocessed and found again.

`names`, `manifest`, `metadata`, `query`, `records` and `models` are pure: they touch neither AWS
nor a database, and the client on a rig uses them too.
"""

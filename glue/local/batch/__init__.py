"""AWS Batch for the local cloud: the control plane, and jobs that really run.

Nothing here knows the emulator: what a job needs of the rest of AWS (logs, events, roles,
secrets) comes through `outside.Outside`, which `glue.local.mends.batch` supplies.
"""

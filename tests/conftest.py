"""What holds for every test."""

import os

from hypothesis import HealthCheck, settings

# No test fails for being slow: the machine may be busy. In CI the examples are the same each time,
# so that a red run is about the change; at a developer's desk new ones are tried.
settings.register_profile(
    "project",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

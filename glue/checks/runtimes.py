"""Until when AWS patches the runtimes of functions.

From https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, read in 2026-11. Dates that
AWS has announced, of the Python runtimes that this platform's packages can be built for.
"""

from __future__ import annotations

from datetime import date

DEPRECATED_ON = {
    "python3.8": date(2024, 10, 14),
    "python3.9": date(2025, 12, 15),
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}

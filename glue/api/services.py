"""What routes work with, made from the function's settings when a request first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue import aws
from glue.recordings.catalogue import Catalogue, open_catalogue
from glue.recordings.uploads import Uploads

if TYPE_CHECKING:
    from glue.settings import ServeApiSettings


def settings() -> ServeApiSettings:
    """Return the settings of the function that serves the API."""
    from glue.settings import ServeApiSettings, load

    return load(ServeApiSettings)


def catalogue() -> Catalogue:
    """Return the catalogue."""
    return open_catalogue(settings().catalogue)


def uploads() -> Uploads:
    """Return the uploads to the raw bucket."""
    held = settings()
    return Uploads(aws.s3(), held.raw_bucket, catalogue(), held.url_lifetime_seconds)

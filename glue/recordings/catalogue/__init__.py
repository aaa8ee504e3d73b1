"""The catalogue of recordings, in PostgreSQL or in Redshift Serverless."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from glue.recordings.catalogue.store import Catalogue

if TYPE_CHECKING:
    from glue.recordings.catalogue.engine import Engine
    from glue.settings import CatalogueSettings

__all__ = ["Catalogue", "open_catalogue"]


@cache
def open_catalogue(settings: CatalogueSettings) -> Catalogue:
    """Return the catalogue that the settings name: one, and one connection, per container."""
    from glue import aws

    engine: Engine
    if settings.engine == "redshift":
        from glue.recordings.catalogue.redshift import RedshiftEngine

        engine = RedshiftEngine(aws.redshift(), settings.workgroup, settings.database)
    else:
        from glue.recordings.catalogue.postgresql import PostgresqlEngine

        arn = settings.secret_arn
        engine = PostgresqlEngine(
            settings.host,
            settings.port,
            settings.database,
            settings.user,
            lambda: aws.secret(arn)["password"] if arn else None,
        )
    return Catalogue(engine)

from tests.unit.recordings.fixtures import any_catalogue, catalogue, cloud, empty_tables

__all__ = ["any_catalogue", "catalogue", "cloud", "empty_tables"]

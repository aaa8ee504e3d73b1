import json
import subprocess
import sys

import pytest

from glue.recordings.catalogue import Catalogue
from glue.settings import FUNCTION_SETTINGS
from lambdas.ingest_recording.handler import handler as ingest
from lambdas.preprocess_recording.handler import handler as preprocess
from lambdas.reconcile_recordings.handler import handler as reconcile
from tests.unit.recordings.fixtures import PROCESSED, RAW, Cloud
from tests.unit.recordings.samples import Context, put_recording, s3_event, sqs_event


def test_from_event_to_processed(cloud: Cloud, catalogue: Catalogue) -> None:
    put_recording(cloud.s3, RAW, "r")
    event = sqs_event(s3_event(RAW, "r/session.txt"), s3_event(RAW, "r/a.bin"), "poison")
    assert ingest(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "message-2"}]}
    (message,) = cloud.messages(cloud.preprocess_queue)
    assert preprocess(sqs_event(json.dumps(message)), Context()) == {"batchItemFailures": []}
    found = catalogue.get("r")
    assert found is not None
    assert found.state == "processed"
    assert len(cloud.versions(PROCESSED)) == 2
    assert reconcile({}, Context()) == {"seen": 1, "asked": 0, "incomplete": 0}


def test_keys_are_url_encoded(cloud: Cloud, catalogue: Catalogue) -> None:
    put_recording(cloud.s3, RAW, "r")
    assert ingest(sqs_event(s3_event(RAW, "r%2Fa.bin")), Context()) == {"batchItemFailures": []}
    assert catalogue.get("r") is not None


@pytest.mark.parametrize("name", sorted(FUNCTION_SETTINGS))
def test_importing_a_handler_loads_nothing_slow(name: str) -> None:
    program = f"import sys, lambdas.{name}.handler; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    slow = ("boto3", "botocore.client", "psycopg", "pydantic_settings", "typer", "httpx", "rich")
    assert not [module for module in slow if module in loaded]

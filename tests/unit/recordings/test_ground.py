"""Settings, clients and telemetry."""

import json

import pytest
from pydantic import ValidationError

from glue import aws, settings
from glue.recordings import catalogue as catalogues
from glue.recordings.catalogue.postgresql import PostgresqlEngine
from glue.recordings.catalogue.redshift import RedshiftEngine
from glue.recordings.telemetry import count
from tests.unit.recordings.fixtures import Cloud, forget


def test_each_function_reads_its_own_keys(cloud: Cloud) -> None:
    own = {
        "issue_token",
        "serve_api",
        "ingest_recording",
        "preprocess_recording",
        "reconcile_recordings",
    }
    assert own < set(settings.FUNCTION_SETTINGS)
    assert settings.ServeApiSettings.keys() == {
        f"PROVING_GROUND_{name}"
        for name in (
            "ENVIRONMENT",
            "RAW_BUCKET",
            "PROCESSED_BUCKET",
            "INGEST_QUEUE_URL",
            "CATALOGUE",
            "URL_LIFETIME_SECONDS",
        )
    }
    for name in own:
        assert settings.load(settings.FUNCTION_SETTINGS[name]).environment == "test"
    held = settings.load(settings.PreprocessRecordingSettings)
    assert settings.load(settings.PreprocessRecordingSettings) is held
    assert held.processing_step.label == "copy-1"


def test_a_wrong_setting_is_an_error(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVING_GROUND_CATALOGUE", '{"engine": "sqlite"}')
    with pytest.raises(ValidationError):
        settings.load(settings.ServeApiSettings)


def test_the_catalogue_of_the_settings(cloud: Cloud) -> None:
    aws.secrets().create_secret(Name="catalogue", SecretString=json.dumps({"password": "p"}))
    with_secret = settings.PostgresqlCatalogue(
        engine="postgresql", host="h", database="d", user="u", secret_arn="catalogue"
    )
    engine = catalogues.open_catalogue(with_secret)._engine
    assert isinstance(engine, PostgresqlEngine)
    assert engine._password() == "p"
    assert catalogues.open_catalogue(with_secret) is catalogues.open_catalogue(with_secret)
    redshift = settings.RedshiftCatalogue(engine="redshift", workgroup="w", database="d")
    assert isinstance(catalogues.open_catalogue(redshift)._engine, RedshiftEngine)
    forget()


def test_clients(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws.s3() is aws.s3()
    assert vars(aws.functions().meta.config)["_user_provided_options"]["read_timeout"] == 900
    assert aws.batch().meta.service_model.service_name == "batch"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4679")
    aws.forget_clients()
    url = aws.s3().generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert url.startswith("http://127.0.0.1:4679/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256")
    aws.forget_clients()
    assert aws.error_code(ValueError()) == ""


def test_metrics_have_one_dimension(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVING_GROUND_ENVIRONMENT", "staging")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "ingest")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "ProvingGround")
    count("RecordingsIncomplete", 0)
    metric = json.loads(capsys.readouterr().out)
    (definition,) = metric["_aws"]["CloudWatchMetrics"]
    assert definition["Dimensions"] == [["environment"]]
    assert metric["environment"] == "staging"
    assert metric["RecordingsIncomplete"] == [0.0]

"""DescribeJobs and ListJobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from glue.local.batch import jobs, submission
from glue.local.batch.errors import ClientError
from tests.unit.local.batch.test_jobs import Desk, submit

if TYPE_CHECKING:
    from glue.local.batch.engine import Engine
    from glue.local.batch.store import Region


@pytest.fixture
def desk(engine: Engine, ready: Region) -> Desk:
    return Desk(engine, ready)


class TestLists:
    def test_by_status_name_definition_and_time(self, desk: Desk, ready: Region) -> None:
        first = submit(ready, jobName="denoise-1")
        array = submit(ready, jobName="Denoise-2", arrayProperties={"size": 2})
        other = submission.submit(
            ready, {"jobName": "other", "jobQueue": "q", "jobDefinition": "d"}, 2_000_000
        )
        desk.tick()

        def found(*filters: tuple[str, str], **payload: Any) -> list[str]:
            named = [{"name": name, "values": [value]} for name, value in filters]
            asked = {"jobQueue": "q", **payload, **({"filters": named} if named else {})}
            return [job["jobId"] for job in jobs.listed(ready, asked)["jobSummaryList"]]

        assert found() == [other.id, first.id]  # running ones, the newest first
        assert found(jobStatus="PENDING") == [array.id]
        assert found(("JOB_NAME", "denoise-*")) == [array.id, first.id]
        assert found(("JOB_NAME", "denoise-1")) == [first.id]
        assert len(found(("JOB_DEFINITION", "d"))) == len(found(("JOB_DEFINITION", "d:1"))) == 3
        assert found(("AFTER_CREATED_AT", "1500000")) == [other.id]
        assert found(("BEFORE_CREATED_AT", "1500000"), ("JOB_NAME", "other")) == []
        children = jobs.listed(ready, {"arrayJobId": array.id, "jobStatus": "RUNNING"})
        assert [c["arrayProperties"]["index"] for c in children["jobSummaryList"]] == [1, 0]
        assert jobs.listed(ready, {"arrayJobId": "nobody"})["jobSummaryList"] == []
        page = jobs.listed(ready, {"jobQueue": "q", "maxResults": 1})
        assert page["nextToken"] == "1"
        for wrong in (
            {},
            {"jobQueue": "q", "filters": [{"name": "SHOE_SIZE", "values": ["1"]}]},
            {"arrayJobId": array.id, "filters": [{"name": "JOB_NAME", "values": ["1"]}]},
        ):
            with pytest.raises(ClientError):
                jobs.listed(ready, wrong)

    def test_a_job_is_known_by_its_arn(self, ready: Region) -> None:
        job = submit(ready)
        arn = f"arn:aws:batch:eu-central-1:000000000000:job/{job.id}"
        assert jobs.describe(ready, {"jobs": [arn, "nobody"]})["jobs"][0]["jobId"] == job.id
        with pytest.raises(ClientError):
            jobs.describe(ready, {"jobs": [arn.replace("job/", "job-queue/")]})

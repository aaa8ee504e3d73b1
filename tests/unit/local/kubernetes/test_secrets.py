"""Secrets: who may have them, what is refused, and how a pod gets to see them."""

from __future__ import annotations

import base64
import stat
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from glue.leaderboard.kubernetes.errors import Gone, KubernetesRefused, KubernetesUnavailable
from glue.local.kubernetes.access import Entry
from glue.local.kubernetes.store import Store
from glue.local.kubernetes.volumes import Volumes
from tests.unit.local.kubernetes.manifests import FOREVER, manifest
from tests.unit.local.kubernetes.standing import PATIENCE_SECONDS, ROLE, WORKER, Standing, standing
from tests.unit.local.kubernetes.test_api import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRETS = "/api/v1/namespaces/jobs/secrets"
FORM = {"form.json": SecretStr('{"prefix": "99/attempt-1/"}')}
ENCODED = base64.b64encode(b'{"prefix": "99/attempt-1/"}').decode()
WATCH = (
    "import os, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    "before = None\n"
    "while True:\n"
    "    now = open(os.environ['FORM_FILE']).read()\n"
    "    if now != before: print(now, flush=True)\n"
    "    before = now\n"
    "    time.sleep(0.01)"
)


def secret(name: str = "made", **changes: Any) -> dict[str, Any]:
    made = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque",
        "data": {"form.json": ENCODED},
    }  # fmt: skip
    return {**made, **changes}


def held(stand_in: Standing, name: str) -> dict[str, Any]:
    answer = ask(stand_in, "GET", f"{SECRETS}/{name}")
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def wait(until: Callable[[], object]) -> None:
    ending = time.monotonic() + PATIENCE_SECONDS
    while not until():
        assert time.monotonic() < ending
        time.sleep(0.02)


def test_made_replaced_and_deleted(stand_in: Standing) -> None:
    made = stand_in.client.put_secret("form", FORM, {"submission": "99"})
    assert "data" not in made
    first = held(stand_in, "form")
    assert first["data"] == {"form.json": ENCODED}
    again = stand_in.client.put_secret("form", {"other": SecretStr("é")}, {})
    second = held(stand_in, "form")
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert again["metadata"] == second["metadata"]
    assert "labels" not in second["metadata"] or second["metadata"]["labels"] == {}
    assert {key: base64.b64decode(text) for key, text in second["data"].items()} == {
        "other": "é".encode()
    }
    listed = ask(stand_in, "GET", f"{SECRETS}?fieldSelector=metadata.name=form").json()
    assert (listed["kind"], len(listed["items"])) == ("SecretList", 1)
    assert stand_in.client.delete_secret("form") is True
    assert stand_in.client.delete_secret("form") is False


def test_goes_with_the_job_it_belongs_to_and_not_before(stand_in: Standing) -> None:
    stand_in.client.put_secret("owned", FORM, {})
    job = stand_in.client.create_job(manifest("owner", FOREVER))
    stand_in.client.put_secret("owned", FORM, {}, owner=job)
    stand_in.wait("owner", lambda phase: phase.state == "running")
    assert (
        held(stand_in, "owned")["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    )
    stand_in.client.delete_job("owner")
    stand_in.wait_gone()
    wait(lambda: ask(stand_in, "GET", f"{SECRETS}/owned").status_code == 404)


def test_what_belonged_to_an_earlier_job_is_taken_from_it(stand_in: Standing) -> None:
    """Without an owner it stays, whatever becomes of the one before."""
    stand_in.client.put_secret("taken", FORM, {})
    job = stand_in.client.create_job(manifest("earlier", FOREVER))
    stand_in.client.put_secret("taken", FORM, {}, owner=job)
    stand_in.client.put_secret("taken", FORM, {})
    stand_in.client.delete_job("earlier")
    stand_in.wait_gone()
    time.sleep(0.3)
    assert stand_in.client.delete_secret("taken") is True


def test_orphans_are_left(stand_in: Standing) -> None:
    job = stand_in.client.create_job(manifest("parent", FOREVER))
    stand_in.client.put_secret("orphan", FORM, {}, owner=job)
    path = "/apis/batch/v1/namespaces/jobs/jobs/parent?propagationPolicy=Orphan"
    assert ask(stand_in, "DELETE", path).is_success
    stand_in.wait_gone()
    time.sleep(0.3)
    assert stand_in.client.delete_secret("orphan") is True
    for pod in stand_in.client.pods("parent"):
        name = pod["metadata"]["name"]
        stand_in.http.post(f"/stand-in/evictions/jobs/{name}").raise_for_status()


def test_a_pod_waits_for_its_secret(stand_in: Standing) -> None:
    stand_in.client.delete_secret("leaderboard-20-99-1")
    try:
        stand_in.client.create_job(manifest("formless"))
        phase = stand_in.wait_reason("formless", "configuration")
        assert phase.state == "waiting"
        assert 'secret "leaderboard-20-99-1" not found' in phase.message
        stand_in.client.put_secret("leaderboard-20-99-1", {"other": SecretStr("")}, {})
        stand_in.wait("formless", lambda phase: "non-existent secret key" in phase.message)
    finally:
        stand_in.put_form()
    assert stand_in.wait_over("formless").state == "succeeded"


def test_a_pod_that_waits_for_its_secret_can_be_deleted(stand_in: Standing) -> None:
    stand_in.client.delete_secret("leaderboard-20-99-1")
    try:
        stand_in.client.create_job(manifest("given-up"))
        stand_in.wait_reason("given-up", "configuration")
        stand_in.client.delete_job("given-up")
        stand_in.wait_gone()
    finally:
        stand_in.put_form()


def test_a_container_sees_what_its_secret_is_changed_to(stand_in: Standing) -> None:
    values = manifest("watching", FOREVER)
    sidecars = values["spec"]["template"]["spec"]["initContainers"]
    uploader = next(each for each in sidecars if each["name"] == "uploader")
    uploader["args"] = [WATCH]
    del uploader["startupProbe"]  # this program answers none
    stand_in.put_form("first")
    stand_in.client.create_job(values)
    pod = stand_in.wait("watching", lambda phase: phase.state == "running").pod
    assert pod is not None
    wait(lambda: stand_in.client.log(pod, "uploader") == "first\n")
    stand_in.put_form("second")
    wait(lambda: stand_in.client.log(pod, "uploader") == "first\nsecond\n")
    # What is deleted stays as it was with who has it.
    stand_in.client.delete_secret("leaderboard-20-99-1")
    time.sleep(1)
    assert stand_in.phase("watching").state == "running"
    stand_in.put_form()


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"metadata": {"name": "Wrong_Name"}}, 422, "DNS subdomain"),
        ({"metadata": {"name": "a", "namespace": "platform"}}, 400, "does not match"),
        ({"stray": 1}, 422, "the object"),
        ({"data": {"a b": ""}}, 422, "write letters"),
        ({"data": {"a": "%%"}}, 422, "no base64"),
        ({"data": {"a": 1}}, 422, "data.a"),
        ({"data": {"a": base64.b64encode(b"x" * (1024 * 1024 + 1)).decode()}}, 422, "Too long"),
    ],
)
def test_what_is_refused(stand_in: Standing, changes: Any, code: int, said: str) -> None:
    answer = ask(stand_in, "POST", SECRETS, json=secret(**changes))
    assert (answer.status_code, said in answer.json()["message"]) == (code, True)


def test_texts_are_taken_as_well(stand_in: Standing) -> None:
    made = secret("texts", stringData={"b": "text"})
    assert ask(stand_in, "POST", SECRETS, json=made).status_code == 201
    assert held(stand_in, "texts")["data"] == {
        "form.json": ENCODED, "b": base64.b64encode(b"text").decode()
    }  # fmt: skip
    assert ask(stand_in, "POST", SECRETS, json=made).status_code == 409
    stand_in.client.delete_secret("texts")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"metadata": {"name": "known", "uid": "another"}}, 409),
        ({"metadata": {"name": "known", "resourceVersion": "1"}}, 409),
        ({"metadata": {"name": "another"}}, 400),
        ({"type": "kubernetes.io/tls"}, 422),
        ({"data": {"form.json": ""}}, 422),
    ],
)
def test_what_cannot_be_replaced(stand_in: Standing, changes: Any, code: int) -> None:
    ask(stand_in, "POST", SECRETS, json=secret("known", immutable=True)).raise_for_status()
    try:
        wanted = {**secret("known", immutable=True), **changes}
        assert ask(stand_in, "PUT", f"{SECRETS}/known", json=wanted).status_code == code
        assert ask(stand_in, "PUT", f"{SECRETS}/nobody", json=secret("nobody")).status_code == 404
    finally:
        stand_in.client.delete_secret("known")


def test_deleted_only_if_it_is_the_one_that_is_meant(stand_in: Standing) -> None:
    stand_in.client.put_secret("meant", FORM, {})
    options = {"preconditions": {"uid": "another"}}
    answer = ask(stand_in, "DELETE", f"{SECRETS}/meant", json=options)
    assert answer.status_code == 409
    assert stand_in.client.delete_secret("meant")


def test_quota(stand_in: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room is no refusal for good: whoever wants it asks again."""
    quota = stand_in.cluster.rules.namespaces["jobs"].quota
    assert quota["secrets"] == quota["count/jobs.batch"] == "1000"
    monkeypatch.setitem(quota, "secrets", "1")
    monkeypatch.setitem(quota, "count/jobs.batch", "0")
    with pytest.raises(KubernetesUnavailable, match="exceeded quota: jobs, requested: secrets=1"):
        stand_in.client.put_secret("beyond", FORM, {})
    with pytest.raises(KubernetesUnavailable, match=r"count/jobs\.batch=0"):
        stand_in.client.create_job(manifest("beyond"))


@pytest.mark.parametrize(
    ("policy", "verb", "is_allowed"),
    [
        ("view", "get", False),
        ("view", "list", False),
        ("edit", "get", True),
        ("edit", "create", True),
        ("edit", "update", True),
        ("edit", "delete", True),
        ("admin", "update", True),
    ],
)
def test_who_may_what(policy: Any, verb: str, is_allowed: bool) -> None:
    entry = Entry(principal_arn=ROLE, policy=policy)
    assert entry.allows(WORKER, verb, "secrets", "jobs") is is_allowed


def test_who_may_view_sees_no_secret(tmp_path: Path) -> None:
    with standing(tmp_path / "home", policy="view") as found:
        for path in (SECRETS, f"{SECRETS}/any"):
            answer = ask(found, "GET", path)
            assert answer.status_code == 403
            assert 'resource "secrets"' in answer.json()["message"]
        with pytest.raises(KubernetesRefused):
            found.client.put_secret("mine", FORM, {})


def test_a_restart_keeps_secrets_to_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with standing(home) as found:
        found.client.put_secret("kept", FORM, {})
    assert stat.S_IMODE((home / "state.sqlite").stat().st_mode) == 0o600
    with standing(home) as found:
        assert held(found, "kept")["data"] == {"form.json": ENCODED}
        found.client.delete_secret("kept")
    with standing(home) as found, pytest.raises(Gone):
        found.client._connection.repeat("GET", f"{SECRETS}/kept", take=lambda answer: answer)


def volumes(tmp_path: Path, **told: Any) -> tuple[Store, Volumes]:
    store = Store(lambda: 1.0)
    pod = {
        "metadata": {"namespace": "jobs"},
        "spec": {"volumes": [{"name": "form", "secret": {"secretName": "form", **told}}]},
    }
    return store, Volumes(pod, store, tmp_path)


def keep(store: Store, **content: str) -> dict[str, Any]:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in content.items()}
    made = {"kind": "Secret", "metadata": {"namespace": "jobs", "name": "form"}, "data": data}
    store.add(store.secrets, made)
    return made


def test_files_of_a_volume_change_all_at_once(tmp_path: Path) -> None:
    store, shown = volumes(tmp_path, defaultMode=0o440)
    keep(store, a="1", b="1")
    assert shown.prepare() == []
    folder = tmp_path / "form"
    assert sorted(path.name for path in folder.iterdir() if path.is_symlink()) == [
        "..data", "a", "b",
    ]  # fmt: skip
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o440
    before = (folder / "..data").resolve()
    shown.refresh()
    assert (folder / "..data").resolve() == before, "nothing has changed"
    keep(store, a="2", c="2")
    shown.refresh()
    assert {path.name: path.read_text() for path in folder.glob("[abc]")} == {"a": "2", "c": "2"}
    assert not before.exists()


def test_some_keys_of_a_secret_under_other_names(tmp_path: Path) -> None:
    items = [{"key": "a", "path": "deep/name", "mode": 0o400}]
    store, shown = volumes(tmp_path, items=items)
    keep(store, a="1", b="1")
    assert shown.prepare() == []
    assert (tmp_path / "form" / "deep" / "name").read_text() == "1"
    assert not (tmp_path / "form" / "b").exists()


def test_an_optional_secret_is_not_waited_for(tmp_path: Path) -> None:
    store, shown = volumes(tmp_path, optional=True, items=[{"key": "a", "path": "a"}])
    assert shown.prepare() == []
    assert list((tmp_path / "form").iterdir()) == []
    keep(store, b="1")
    shown.refresh()
    assert not (tmp_path / "form" / "a").exists()
    assert shown.has_secrets


def test_a_pod_without_volumes(tmp_path: Path) -> None:
    pod = SimpleNamespace(spec={})
    shown = Volumes(
        {"metadata": {"namespace": "jobs"}, "spec": pod.spec}, Store(time.time), tmp_path
    )
    assert shown.prepare() == []
    assert not shown.has_secrets

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from glue.deploy.packages import builder, layer
from glue.deploy.packages.archive import is_shipped
from glue.deploy.project import Project
from glue.errors import InputError

BUILD = """
import os, sys
from pathlib import Path
from glue.deploy.packages.builder import build
from glue.deploy.project import Project
os.umask(int(sys.argv[3], 8))
project = Project(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2]))
for target in ("aws", "local"):
    made = build(target, project)
    print(target, made.packages.code_hash, made.packages.layer_hash)
"""


def wheel(folder: Path, name: str, files: dict[str, str]) -> str:
    """Write a wheel and return its requirement with the hash."""
    info = f"{name}-1.0.dist-info"
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/METADATA", f"{info}/WHEEL"])
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def sources(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository with functions and two pinned libraries, one of them like botocore."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    data = {
        f"botocore/data/{service}/2020-01-01/service-2.json": "{}"
        for service in ("s3", "sqs", "sts", "dynamodb", "ec2")
    }
    lines = wheel(
        shelf,
        "botocore",
        {
            "botocore/__init__.py": "client('ec2')\n",
            "botocore/data/endpoints.json": "{}",
            "botocore/data/s3/2020-01-01/examples-1.json": "{}",
            **data,
        },
    )
    lines += wheel(
        shelf,
        "tools",
        {
            "tools/__init__.py": "def table(s):\n    return s.client('dynamodb')\n",
            "tools/broken.py": "def (:\n",
            "tools/types.pyi": "x: int\n",
            "tools/tests/test_it.py": "",
        },
    )
    requirements = project.repository / "requirements" / "lambda.txt"
    requirements.parent.mkdir()
    requirements.write_text(lines)
    files = {
        "glue/__init__.py": "",
        "glue/settings.py": "SETTINGS = 1\n",
        "glue/aws.py": 'queue = client("sqs")\n',
        "glue/errors.py": "",
        "glue/messages.py": "",
        "glue/telemetry.py": "",
        "glue/recordings/catalogue/schema.sql": "create table t ();\n",
        "glue/recordings/ingest.py": 'STORE = "s3"\n',
        "glue/recordings/__pycache__/ingest.cpython-311.pyc": "stale",
        "glue/recordings/.ingest.py.swp": "",
        "glue/api/routes.py": "",
        "glue/local/launcher.py": "never shipped",
        "lambdas/serve_api/handler.py": "",
        "lambdas/serve_api/README.md": "",
    }
    for name, text in files.items():
        path = project.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, str(shelf))
    for name in ("UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return project


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_code_is_ours_and_nothing_else(sources: Project) -> None:
    assert names(builder.build("aws", sources).code) == [
        "glue/__init__.py",
        "glue/api/routes.py",
        "glue/aws.py",
        "glue/errors.py",
        "glue/messages.py",
        "glue/recordings/catalogue/schema.sql",
        "glue/recordings/ingest.py",
        "glue/settings.py",
        "glue/telemetry.py",
        "lambdas/serve_api/handler.py",
    ]


def test_layer_keeps_what_is_read(sources: Project) -> None:
    kept = names(builder.build("aws", sources).layer)
    described = {name.split("/")[3] for name in kept if name.startswith("python/botocore/data/")}
    # Named by our code: s3, sqs; by a library: dynamodb; for credentials: sts.
    assert described == {"dynamodb", "endpoints.json", "s3", "sqs", "sts"}
    assert "python/tools/__init__.py" in kept
    assert "python/tools-1.0.dist-info/METADATA" in kept
    for part in ("RECORD", "INSTALLER", "REQUESTED", ".pyi", "tests/", "examples-", ".pyc"):
        assert not [name for name in kept if part in name], part


def test_local_packages_are_compiled_for_this_python(sources: Project) -> None:
    built = builder.build("local", sources)
    tag = sys.implementation.cache_tag
    assert f"glue/__pycache__/settings.{tag}.pyc" in names(built.code)
    assert f"python/tools/__pycache__/__init__.{tag}.pyc" in names(built.layer)
    assert "python/tools/broken.py" in names(built.layer)
    assert built.packages.runtime == f"python3.{sys.version_info.minor}"
    path = sources.build / "unpacked"
    zipfile.ZipFile(built.code).extractall(path)
    done = subprocess.run(
        [sys.executable, "-v", "-c", "import glue.settings"],
        cwd=path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "code object from" in done.stderr
    assert not [line for line in done.stderr.splitlines() if "wrote" in line and "settings" in line]


def test_terraform_is_told_where_and_what(sources: Project) -> None:
    built = builder.build("aws", sources)
    facts = json.loads(built.variables.read_text())["packages"]
    digest = hashlib.sha256(built.code.read_bytes())
    assert facts["code_hash"] == base64.b64encode(digest.digest()).decode()
    assert digest.hexdigest()[:12] in facts["code_path"]
    assert (sources.root / facts["layer_path"]).samefile(built.layer)
    assert not facts["code_path"].startswith("/")
    assert (facts["runtime"], facts["architecture"]) == ("python3.12", "arm64")


def test_architecture_follows_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert builder.Platform.of("local").architecture == "arm64"
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    assert builder.Platform.of("local").architecture == "x86_64"


def test_the_same_bytes_everywhere(sources: Project, tmp_path: Path) -> None:
    results = []
    for number, (umask, zone, seed) in enumerate((("022", "UTC", "1"), ("077", "Asia/Tokyo", "2"))):
        repository = tmp_path / ("deeper/" * number) / "copy"
        subprocess.run(["cp", "-r", str(sources.repository), str(_parent(repository))], check=True)
        for path in repository.rglob("*"):
            os.utime(path, (number * 1e6, number * 1e6))
        environment = os.environ | {
            "TZ": zone,
            "PYTHONHASHSEED": seed,
            "LC_ALL": "C",
            "PYTHONPATH": str(Path(builder.__file__).parents[3]),
        }
        done = subprocess.run(
            [sys.executable, "-c", BUILD, str(repository), str(tmp_path / f"b{number}"), umask],
            cwd=repository.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(done.stdout)
    assert results[0] == results[1]
    assert results[0].count("\n") == 2


def _parent(repository: Path) -> Path:
    repository.parent.mkdir(parents=True, exist_ok=True)
    return repository


def test_entries_are_stored_sorted_and_dated_alike(sources: Project) -> None:
    with zipfile.ZipFile(builder.build("aws", sources).layer) as archive:
        entries = archive.infolist()
    assert [e.filename for e in entries] == sorted(e.filename for e in entries)
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {e.compress_type for e in entries} == {zipfile.ZIP_STORED}
    assert {e.external_attr >> 16 for e in entries} == {0o100644}
    assert {e.create_system for e in entries} == {3}


def test_nothing_is_done_twice(sources: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = builder.build("aws", sources)
    assert first.is_new
    monkeypatch.setattr(layer, "install", lambda *_: pytest.fail("installed again"))
    again = builder.build("aws", sources)
    assert not again.is_new
    assert again.packages == first.packages
    first.variables.unlink()
    assert not builder.build("aws", sources).is_new
    assert first.variables.is_file()


def test_a_change_of_code_makes_only_the_code_anew(
    sources: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = builder.build("aws", sources)
    monkeypatch.setattr(layer, "install", lambda *_: pytest.fail("installed again"))
    (sources.repository / "glue" / "settings.py").write_text("SETTINGS = 2\n")
    second = builder.build("aws", sources)
    assert second.layer == first.layer
    assert second.packages.code_hash != first.packages.code_hash
    assert not first.code.exists(), "what is replaced is removed"
    (sources.repository / "glue" / "settings.py").write_text("SETTINGS = 1\n")
    assert builder.build("aws", sources).packages == first.packages


def test_a_service_that_code_begins_to_name_gets_into_the_layer(sources: Project) -> None:
    first = builder.build("aws", sources)
    (sources.repository / "glue" / "settings.py").write_text("X = 'ec2'\n")
    second = builder.build("aws", sources)
    assert second.layer != first.layer
    assert "python/botocore/data/ec2/2020-01-01/service-2.json" in names(second.layer)


def test_changed_requirements_and_damaged_archives_are_noticed(sources: Project) -> None:
    first = builder.build("aws", sources)
    first.layer.write_bytes(b"cut off")
    assert builder.build("aws", sources).packages == first.packages
    assert first.layer.stat().st_size > 100
    first.code.unlink()
    assert builder.build("aws", sources).code.is_file()
    requirements = sources.repository / "requirements" / "lambda.txt"
    requirements.write_text(requirements.read_text() + "# a remark\n")
    assert builder.build("aws", sources).is_new


def test_a_wrong_hash_is_refused(sources: Project) -> None:
    requirements = sources.repository / "requirements" / "lambda.txt"
    requirements.write_text("tools==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(InputError, match=r"lambda\.txt: the pinned libraries cannot be installed"):
        builder.build("aws", sources)


def test_without_uv_pip_makes_the_same_layer(
    sources: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = builder.build("aws", sources)
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(Path, "is_file", _not_uv(Path.is_file))
    other = Project(sources.repository, tmp_path / "other", tmp_path)
    command = layer.install_command(Path("r.txt"), Path("t"), ())
    assert command[1:4] == ["-m", "pip", "install"]
    made = builder.build("aws", other)
    assert made.packages.layer_hash == first.packages.layer_hash


def _not_uv(original: Callable[[Path], bool]) -> Callable[[Path], bool]:
    return lambda path: path.name != "uv" and original(path)


def test_uv_on_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/uv")
    assert layer.install_command(Path("r.txt"), Path("t"), ())[0] == "/usr/bin/uv"


def test_pip_is_told_each_platform() -> None:
    words = layer.pip_options(builder.Platform.of("aws").options)
    assert words[:4] == [
        "--platform",
        "manylinux_2_28_aarch64",
        "--platform",
        "manylinux_2_17_aarch64",
    ]
    assert words[-4:] == ["--implementation", "cp", "--python-version", "3.12"]
    assert layer.pip_options(()) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.py", True),
        ("a/data.json", True),
        ("a/__pycache__/b.pyc", False),
        ("tests/a.py", False),
        (".env", False),
        ("a/.hidden/b.py", False),
        ("a/b.py~", False),
        ("README.md", False),
        ("a/latest.py", True),
    ],
)
def test_what_is_shipped(name: str, expected: bool) -> None:
    assert is_shipped(name) is expected


def test_unchanged_inputs_leave_every_file_alone(sources: Project) -> None:
    builder.build("aws", sources)
    before = {path: path.stat().st_mtime_ns for path in sources.build.rglob("*")}
    builder.build("aws", sources)
    assert {path: path.stat().st_mtime_ns for path in sources.build.rglob("*")} == before

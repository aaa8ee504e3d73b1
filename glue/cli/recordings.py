"""glue recordings: ship, find, show, fetch, replay, quarantined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glue.cli.output import print_json, print_table, say
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue.client.session import Session
    from glue.client.ship import Shipped

app = typer.Typer(no_args_is_help=True, help="Ship recordings, find them, fetch them.")

PATIENCE = 15 * 60.0  # seconds a shipper goes on without a network

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", metavar="FILE|NAME", help="Address and credentials to use."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="CONDITION", help="name op value; may be given again."),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Recorded at this time or later.")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Recorded before this time.")
]
Kind = Annotated[str, typer.Option("--kind", help="processed or raw.")]
To = Annotated[Path, typer.Option("--to", help="The folder to write below.")]


def _session(role: str, profile: str | None, patience: float | None = 60.0) -> Session:
    from glue.client.profile import find_profile
    from glue.client.session import Session

    return Session(find_profile(role, profile), patience=patience)


@app.command()
def ship(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders, each one recording.")
    ],
    watch: Annotated[
        bool, typer.Option("--watch", help="Ship each sub folder of DIR once it is quiet.")
    ] = False,
    quiet: Annotated[
        float, typer.Option("--quiet", metavar="SECONDS", help="How long unchanged is quiet.")
    ] = 60.0,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="NAME", help="Which file the metadata is.")
    ] = None,
    no_check: Annotated[
        bool,
        typer.Option(
            "--no-check",
            help="Ship though metadata or manifest are broken; the platform quarantines it.",
        ),
    ] = False,
    patience: Annotated[
        float | None,
        typer.Option("--patience", metavar="SECONDS", help="How long to go on without a network."),
    ] = None,
    connections: Annotated[int, typer.Option("--connections", help="Parts sent at once.")] = 6,
    part_size: Annotated[
        int | None, typer.Option("--part-size", metavar="MIB", help="Size of a part, 8 to 64.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, send nothing.")
    ] = False,
    profile: ProfileName = None,
    as_json: Json = False,
) -> None:
    """Ship folders; each is one recording. Run it again after any interruption: it resumes."""
    from glue.client.ship import plan_folders, ship_folders, watch_folder
    from glue.client.transfer import Options

    if patience is None and not watch:
        patience = PATIENCE
    if watch and len(folders) != 1:
        raise InputError("DIR", "--watch takes one folder", "name the folder that holds them")
    options = Options(
        connections=connections,
        part_size=part_size * 1024 * 1024 if part_size is not None else None,
        metadata=metadata,
        check=not no_check,
    )
    if dry_run:
        results = plan_folders(folders, options)
        _print_shipped(results, as_json)
        return
    session = _session("shipper", profile, patience)
    try:
        if watch:
            results = watch_folder(folders[0], session, options, quiet)
        else:
            results = ship_folders(folders, session, options)
    finally:
        session.stop.set()
        session.close()
    _print_shipped(results, as_json, fail=not watch)


def _print_shipped(results: Sequence[Shipped], as_json: bool, fail: bool = True) -> None:
    if as_json:
        print_json({"recordings": [result.to_dict() for result in results]})
    else:
        print_table(
            ("recording", "state", "bytes", "sent", "seconds"),
            [
                (item.recording, item.state, item.bytes, item.bytes_sent, f"{item.seconds:.1f}")
                for item in results
            ],
            "nothing was shipped",
        )
    if fail and any(result.state == "failed" for result in results):
        raise typer.Exit(1)


@app.command()
def find(
    where: Where = None,
    since: Since = None,
    until: Until = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only in this state; may be given again.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")] = 50,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Go on where an answer's `next` says.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All pages.")] = False,
    save_dataset: Annotated[
        Path | None,
        typer.Option("--save-dataset", metavar="FILE", help="Pin what was found in a file."),
    ] = None,
    kind: Kind = "processed",
    profile: ProfileName = None,
    as_json: Json = False,
) -> None:
    """Find recordings by their metadata, such as --where 'subject_fatigue >= 3'."""
    from glue.client import find as finding
    from glue.client.dataset import save_dataset as save

    question = finding.Question(where or (), since, until, state or ())
    with _session("researcher", profile) as session:
        if save_dataset is not None:
            objects = finding.find_objects(session, question, kind=kind)
            dataset = save(save_dataset, {**question.to_dict(), "kind": kind}, objects)
            say(f"{len(dataset.objects)} objects are pinned in {save_dataset}")
        page: dict[str, Any]
        if everything:
            page = {"recordings": list(finding.find_all(session, question)), "next": None}
        else:
            page = finding.find_page(session, question, limit, cursor)
    if as_json:
        print_json(page)
        return
    print_table(
        ("recording", "state", "recorded at", "device", "objects", "bytes"),
        [
            (
                found["recording"],
                found["state"],
                found.get("recorded_at"),
                found.get("device"),
                len(found["objects"]),
                sum(item["size"] for item in found["objects"]),
            )
            for found in page["recordings"]
        ],
        "no recording answers this",
    )
    if page.get("next"):
        say(f"there are more: --all, or --cursor {page['next']}")


@app.command()
def show(recording: str, profile: ProfileName = None, as_json: Json = False) -> None:
    """Show all that is known of a recording."""
    from glue.client import find as finding

    with _session("researcher", profile) as session:
        found = finding.show(session, recording)
    if as_json:
        print_json(found)
        return
    for key in ("recording", "state", "reason", "device", "recorded_at"):
        if found.get(key) is not None:
            print(f"{key}: {found[key]}")
    print()
    units = found.get("units") or {}
    print_table(
        ("attribute", "value", "unit"),
        [(name, value, units.get(name)) for name, value in found["attributes"].items()],
        "no attributes",
    )
    print()
    print_table(
        ("object", "kind", "bytes", "sha256"),
        [
            (item["key"], item["kind"], item["size"], (item["sha256"] or "")[:16])
            for item in found["objects"]
        ],
        "no objects",
    )


@app.command()
def fetch(
    to: To,
    recordings: Annotated[
        list[str] | None, typer.Argument(metavar="RECORDING...", help="Recordings to fetch.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", metavar="FILE", help="Fetch a dataset file.")
    ] = None,
    kind: Kind = "processed",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that differ.")
    ] = False,
    profile: ProfileName = None,
    as_json: Json = False,
) -> None:
    """Fetch files and verify them; run it again after any interruption: it resumes."""
    from glue.client.dataset import PinnedObject, read_dataset
    from glue.client.fetch import Fetcher, find_for_fetch
    from glue.client.progress import progress_for
    from glue.client.transport import Transport

    if bool(recordings) == (dataset is not None):
        raise InputError(
            "RECORDING", "either recordings or a dataset file are fetched", "name one of the two"
        )
    objects: tuple[PinnedObject, ...] = read_dataset(dataset).objects if dataset else ()
    with _session("researcher", profile, PATIENCE) as session:
        if recordings:
            objects = find_for_fetch(session, recordings, kind)
        with Transport() as transport:
            fetcher = Fetcher(session, transport, progress_for(), to, overwrite=overwrite)
            files = fetcher.fetch(objects)
    if as_json:
        print_json({"files": [file.to_dict() for file in files]})
        return
    unverified = sum(not file.verified for file in files)
    print(f"{len(files)} files below {to}, {len(files) - unverified} verified by SHA-256")
    if unverified:
        say(f"warning: the catalogue knows no SHA-256 of {unverified} files; their size is right")


@app.command()
def replay(recording: str, profile: ProfileName = None, as_json: Json = False) -> None:
    """Have a recording ingested again, as after its quarantine (operators)."""
    from glue.client import find as finding

    with _session("operator", profile) as session:
        answer = finding.replay(session, recording)
    if as_json:
        print_json(answer)
    else:
        print(f"{recording} is queued; see `glue recordings show {recording}`")


@app.command()
def quarantined(profile: ProfileName = None, as_json: Json = False) -> None:
    """List recordings that are quarantined or incomplete, with the reason (operators)."""
    from glue.client import find as finding

    with _session("operator", profile) as session:
        found = finding.quarantined(session)
    if as_json:
        print_json({"recordings": found})
        return
    print_table(
        ("recording", "state", "device", "reason"),
        [(r["recording"], r["state"], r.get("device"), r.get("reason")) for r in found],
        "nothing is quarantined or incomplete",
    )

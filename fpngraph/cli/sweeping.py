"""The command that trains with one graph after another and compares what comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpngraph.cli import training
from fpngraph.cli.comparing import compare
from fpngraph.cli.messages import complain
from fpngraph.cli.starting import Start
from fpngraph.cli.training import Pair
from fpngraph.cli.values import UsageError, check_pixels, reason
from fpngraph.errors import GraphError, Refusal
from fpngraph.files import replace_file
from fpngraph.language.explicit import dump
from fpngraph.training import CocoData, TrainingSettings

if TYPE_CHECKING:
    from fpngraph.training.pictures import When


@dataclass(frozen=True, slots=True)
class Run:
    """One of the trainings."""

    name: str
    start: Start
    folder: Path


def sweep(  # noqa: PLR0913  (the options of a run)
    data: tuple[Pair, Pair],
    starts: Sequence[tuple[str, Start]],
    folder: Path,
    asked: Mapping[str, Any],
    *,
    skip_bad: bool,
    resume: bool,
    force: bool,
    pictures: When,
) -> int:
    """Train with each of the graphs, by names of ``named``; a run that fails is told, and the others go on."""
    training.check_installed()
    check_pixels(starts[0][1].image_size)
    settings = training.chosen_settings(asked)
    runs = _runs(starts, folder)
    training.check_is_folder(folder)
    for run in runs:
        training.check_folder(run.folder, resume=resume, force=force)
    graphs = _graphs(runs)  # before images are looked at, which may take long
    parts = training.read(data, skip_bad=skip_bad)
    for run in runs if not resume else ():  # first: a new sweep.json beside an old run would let it go on
        training.clear(run.folder)
    _keep(folder / "sweep.json", _said(data, runs, settings, graphs), runs, resume=resume)

    numbered = [(f"{run.name} ({place} of {len(runs)})", run) for place, run in enumerate(runs, start=1)]
    shared: dict[str, Any] = {"settings": settings, "pictures": pictures}
    failed = [run for called, run in numbered if not _trained(run, called, graphs[run.name], parts, **shared)]
    return _compared(runs, failed, folder)


def _compared(runs: Sequence[Run], failed: Sequence[Run], folder: Path) -> int:
    """The exit status, once the runs that are finished are compared."""
    if done := [run for run in runs if run not in failed]:
        compare({run.name: run.folder for run in done}, folder)
    if failed:
        names = ", ".join(run.name for run in failed)
        complain(f"{len(failed)} of {len(runs)} runs failed: {names}", "sweep")
    return 1 if failed else 0


def named(graph: str, preset: str | None, own: Mapping[str, Any]) -> str:
    """What a run is called: its graph, with preset and parameters of its own, so that more graphs rename none."""
    called = f"{Path(graph).stem}@{preset}" if preset else Path(graph).stem
    return " ".join([called, *(f"{name}={value}" for name, value in own.items())])


def _runs(starts: Sequence[tuple[str, Start]], folder: Path) -> list[Run]:
    runs = [Run(name, start, folder / re.sub(r"[^\w.=@-]+", "_", name)) for name, start in starts]
    folders = [run.folder for run in runs]
    twice = next((run.name for run in runs if folders.count(run.folder) > 1), None)
    if twice:
        raise UsageError(
            f"two runs would be called {twice!r}\n"
            "  hint: files of other names, or other parameters after --graph, tell them apart"
        )
    return runs


def _graphs(runs: Sequence[Run]) -> dict[str, str]:
    """The text of each graph. Raises UsageError with all that is wrong with any of the detectors."""
    texts: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    for run in runs:
        try:
            texts[run.name] = dump(run.start.check().neck.source_graph)
        except (Refusal, GraphError) as error:
            problems.setdefault(str(error), []).append(run.name)
    if problems:
        raise UsageError("\n".join(f"{', '.join(names)}: {told}" for told, names in problems.items()))
    return texts


def _said(
    data: tuple[Pair, Pair],
    runs: Sequence[Run],
    settings: TrainingSettings,
    graphs: Mapping[str, str],
) -> dict[str, Any]:
    """All that decides what comes of the runs, as plain data."""
    detector = {
        name: value for name, value in asdict(runs[0].start).items() if name not in ("graph", "preset", "params")
    }
    paths = {
        name: str(path.absolute())
        for pair, names in zip(data, (("train", "train annotations"), ("val", "val annotations")), strict=True)
        for name, path in zip(names, pair, strict=True)
    }
    said = {"setting": {**paths, **detector, **settings.model_dump(mode="json")}, "graphs": dict(graphs)}
    found: dict[str, Any] = json.loads(json.dumps(said))  # tuples are lists, as they are when it is read again
    return found


def _keep(file: Path, said: Mapping[str, Any], runs: Sequence[Run], *, resume: bool) -> None:
    """Write down what is asked. Raises UsageError where runs that are there were of something else."""
    before = _read(file) if resume else {"setting": {}, "graphs": {}}
    begun = [run for run in runs if resume and (run.folder / "last.ckpt").is_file()]
    problems = list(_changes(before, said, begun))
    if problems:
        told = "\n".join(f"  {problem}" for problem in problems)
        raise UsageError(
            f"the runs in {str(file.parent)!r} are not those that are asked for:\n{told}\n"
            "  hint: another -o keeps them, --force writes over them"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    graphs = {**before["graphs"], **said["graphs"]}
    replace_file(file, json.dumps({**said, "graphs": graphs}, indent=1).encode())


def _read(file: Path) -> Mapping[str, Any]:
    """What an earlier sweep was asked for; nothing where there was none."""
    try:
        said = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {"setting": {}, "graphs": {}}
    except ValueError:
        said = None
    if not (isinstance(said, dict) and all(isinstance(said.get(key), dict) for key in ("setting", "graphs"))):
        raise UsageError(f"{str(file)!r} was not written by a sweep\n  hint: --force begins anew")
    return said


def _changes(before: Mapping[str, Any], said: Mapping[str, Any], begun: Sequence[Run]) -> Iterator[str]:
    """How what is asked differs from what runs have begun with, a line each."""
    for name, value in said["setting"].items() if begun and before["setting"] else ():
        if before["setting"].get(name) != value:
            yield f"{name} was {before['setting'].get(name)!r}, and is {value!r}"
    for run in begun:
        if run.name not in before["graphs"]:
            yield f"{str(run.folder)!r} is of no run of this sweep"
        elif before["graphs"][run.name] != said["graphs"][run.name]:
            yield f"graph {run.name!r} has changed since"


def _trained(  # noqa: PLR0913  (a run, and what all runs have)
    run: Run,
    called: str,
    graph: str,
    parts: tuple[CocoData, CocoData],
    *,
    settings: TrainingSettings,
    pictures: When,
) -> bool:
    """Whether the run of a graph, which has this text, is finished, now or before."""
    rows = training.epochs_of(run.folder)
    if rows and int(rows[-1]["epoch"]) >= settings.epochs and (run.folder / "last.ckpt").is_file():
        print(f"{called}: finished before")
        return True
    print(f"{called}: {run.folder}", flush=True)
    try:
        if _graphs([run])[run.name] != graph:  # somebody edits it while others are trained
            raise UsageError("its graph has changed since the sweep began\n  hint: --resume trains it as it is then")
        training.run(run.start, parts, run.folder, settings, resume=True, devices=1, pictures=pictures)
    except Exception as error:  # whatever it is, the other runs are not lost
        told = str(error) if isinstance(error, Refusal | GraphError) else reason(error)
        complain(f"{run.name}: {told}", "sweep")
        return False
    return True

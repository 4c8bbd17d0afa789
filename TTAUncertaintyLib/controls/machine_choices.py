"""What belongs to a computer and its person: kept in settings, and not in scenes."""

# ruff: noqa: N815  (the fields are named as the panel's settings are)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

from .control import Line, Number, OneOf, Place, Row, controls_of, rows_of
from .run_options import PRECISIONS, device_options


@dataclass(frozen=True)
class MachineChoices:
    """How the computer does the work. 0 and "auto" leave the choice to the library."""

    device: Annotated[
        str,
        OneOf(
            "Device",
            "Where the network runs. Automatic takes a graphics card where there is one with "
            "enough memory.",
            Place.MACHINE,
            half=True,
            closed=False,
        ),
    ] = "auto"
    precision: Annotated[
        str,
        OneOf(
            "Precision",
            "Arithmetic of the network. Half precision is faster on graphics cards and changes "
            "the maps slightly.",
            Place.MACHINE,
            options=PRECISIONS,
            half=True,
        ),
    ] = "f32"
    threads: Annotated[
        int,
        Number(
            "CPU threads",
            "Processor threads for the network. Fewer leave more of the computer to you.",
            Place.MACHINE,
            high=256,
            lowest="auto",
        ),
    ] = 0
    batchSize: Annotated[
        int,
        Number(
            "Batch size",
            "Passes computed at once. More are faster on graphics cards and take more memory.",
            Place.MACHINE,
            high=64,
            lowest="auto",
        ),
    ] = 0
    scheduler: Annotated[
        str,
        Line(
            "Cluster",
            "Address of a scheduler of Dask, tls://host:8786: one of its workers registers in "
            "place of this computer. The images travel there; nothing of them stays. Certificates "
            "are those of Dask's configuration.",
            Place.MACHINE,
        ),
    ] = ""
    resultsFolder: Annotated[str, Line("Results folder", asked="")] = ""
    python: Annotated[str, Line("Python of the background process", asked="")] = ""


def kept(name: str, value: Any) -> Any:
    """Return a setting as it was kept: text, and a person may have edited it."""
    default = next(field.default for field in fields(MachineChoices) if field.name == name)
    return controls_of(MachineChoices)[name].usable(value, default)


def asked_of_machine(choices: Any) -> dict[str, Any]:
    """Return what the settings ask of a job, by the names of the command line."""
    asked = {
        control.asked: control.asks(getattr(choices, name))
        for name, control in controls_of(MachineChoices).items()
        if control.asked
    }
    asked["scheduler"] = asked["scheduler"].strip() or None
    if asked["precision"] == "f32":
        asked["precision"] = None  # exact, and less only where memory runs out
    return asked


def machine_rows(choices: Any, devices: Sequence[str]) -> tuple[Row, ...]:
    """Return the rows of the settings; `devices` are those that were found."""
    options = {"device": device_options(devices, choices.device)}
    return rows_of(MachineChoices, (Place.MACHINE,), choices, options=options)

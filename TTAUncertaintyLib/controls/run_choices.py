"""What a person chooses of a run: one description, from which everything that asks for it follows.

The fields of the panel's parameter node, what a script in Slicer may say, the rows of panel and
page, and the command line's options with their words are all made of `RunChoices`.
"""

# ruff: noqa: N815  (the fields are named as Slicer's parameter nodes are)

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import numpy as np

from ..api.choices import design_of
from ..errors import TTAUncertaintyError
from ..geometry import Lattice, Start
from ..models import DEFAULT_MODEL, MODELS, models
from ..perturbations import (
    PAPER_FAMILIES,
    Design,
    DesignRequest,
    Family,
    Noise,
    Preset,
    Sampling,
)
from ..perturbations.families import AMPLITUDES_OF
from .control import Node, NodeFile, Number, OneOf, Place, Row, Switch, controls_of, rows_of
from .model_options import options_of
from .option import Phrase, sentences
from .run_options import FAMILIES, NOISES, PRESETS, SAMPLINGS, STARTS
from .run_view import passes as passes_said

#: Field of view that stands for a head where the network's own is not known yet, mm along i, j, k.
_TYPICAL_EXTENT_MM = (160.0, 192.0, 160.0)

#: Spacing for a network whose lattice follows from the images.
_TYPICAL_SPACING_MM = 2.0

_PUBLISHED = {member.value for member in PAPER_FAMILIES}


_LABELS = ("vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode")


def _labels(title: str, about: str, place: Place, drawn_on: str) -> Node:
    return Node(title, about, place, classes=_LABELS, file=NodeFile.LABELS, drawn_on=drawn_on)


def _amplitude(title: str, about: str, high: float, step: float, unit: str, **more: Any) -> Number:
    decimals = len(f"{step}".partition(".")[2])
    return Number(
        title, about, Place.DESIGN, high=high, step=step, decimals=decimals, unit=unit, **more
    )


@dataclass(frozen=True)
class RunChoices:
    """What decides a run: the same for a click, a script, and a scene that is opened again.

    Enums of the library stand here as their values, lengths are in mm; nodes are of the scene, and
    may be None. `customise` says whether the fields of the design (`DESIGN_FIELDS`) replace the
    preset's own values; with the preset "paper", `family` counts in any case. `modelOptions` is
    JSON, by model and by option (`model_options`).
    """

    fixedVolume: Annotated[
        Any,
        Node(
            "Fixed volume",
            "The image that stays where it is. The moving image is brought onto it, and all maps "
            "lie on its grid.",
            asked="fixed",
        ),
    ] = None
    movingVolume: Annotated[
        Any, Node("Moving volume", "The image that is warped onto the fixed one.", asked="moving")
    ] = None
    model: Annotated[
        str, OneOf("Model", "The registration network whose answer is examined.", closed=False)
    ] = DEFAULT_MODEL
    modelOptions: str = "{}"
    structures: Annotated[
        Any,
        Node(
            "Structures",
            "Optional. A segmentation or labelmap drawn on the fixed image: the review then says "
            "millimetres for each structure.",
            Place.INPUTS,
            asked="",
            classes=_LABELS,
        ),
    ] = None
    initialTransform: Annotated[
        Any,
        Node(
            "Initial transform",
            "Optional. The linear transform that, applied to the moving volume, brings it roughly "
            "onto the fixed one.",
            Place.INPUTS,
            classes=("vtkMRMLLinearTransformNode", "vtkMRMLTransformNode"),
            file=NodeFile.LINEAR,
        ),
    ] = None
    registration: Annotated[
        Any,
        Node(
            "Registration",
            "Whose registration is examined: the network's, or a transform that another program "
            "made. Applied to the moving volume, that one brings it onto the fixed volume; the "
            "network is its second opinion.",
            Place.INPUTS,
            asked="transform",
            classes=("vtkMRMLTransformNode",),
            none="Made by the network above",
            file=NodeFile.TRANSFORM,
            many=True,
        ),
    ] = None
    movingLabels: Annotated[
        Any,
        _labels(
            "Moving labels",
            "Optional. A segmentation or label map drawn on the moving volume, of an atlas for "
            "example. It comes onto the fixed volume, each structure with its volume and how far "
            "it can be trusted.",
            Place.INPUTS,
            "movingVolume",
        ),
    ] = None
    fixedMask: Annotated[
        Any,
        _labels(
            "Fixed mask",
            "Optional. Outside it, the fixed volume is background: the network does not see it.",
            Place.MASKS,
            "fixedVolume",
        ),
    ] = None
    movingMask: Annotated[
        Any,
        _labels(
            "Moving mask",
            "Optional. Outside it, the moving volume is background: the network does not see it.",
            Place.MASKS,
            "movingVolume",
        ),
    ] = None
    leaveOut: Annotated[
        Any,
        _labels(
            "Leave out",
            "Optional. Metal, a cavity, the couch, drawn on the fixed volume: it stays in the "
            "image, and is left out of every statistic and hot spot.",
            Place.MASKS,
            "fixedVolume",
        ),
    ] = None
    preset: Annotated[
        str,
        OneOf(
            "Preset",
            "How many perturbed registrations are made, and of which kind.",
            options=PRESETS,
        ),
    ] = Preset.STANDARD.value
    customise: bool = False
    family: Annotated[
        str,
        OneOf(
            "Perturbation",
            "What is done to the moving image before it is registered again.",
            Place.DESIGN,
            options=FAMILIES,
        ),
    ] = Family.RIGID.value
    sampling: Annotated[
        str, OneOf("Sampling", "How the perturbations are placed.", Place.DESIGN, options=SAMPLINGS)
    ] = Sampling.HADAMARD.value
    noise: Annotated[
        str,
        OneOf(
            "Noise",
            "What differs between the repeats of one perturbation. It decides what 'intrinsic "
            "spread' means.",
            Place.DESIGN,
            options=NOISES,
        ),
    ] = Noise.DISCRETISATION.value
    outer: Annotated[
        int,
        Number(
            "Perturbations K",
            "How many different perturbations, K. Each costs one registration per repeat. "
            "At least 2.",
            Place.DESIGN,
            low=2,
            high=1024,
        ),
    ] = 8
    replicates: Annotated[
        int,
        Number(
            "Repeats R",
            "How often each perturbation is registered, R. From 2 on, the intrinsic spread and "
            "the bias jitter are told apart.",
            Place.DESIGN,
            low=1,
            high=64,
        ),
    ] = 2
    translationMm: Annotated[
        float, _amplitude("Shift", "Largest shift along each axis, mm.", 100, 0.25, "mm")
    ] = 1.0
    rotationDeg: Annotated[
        float, _amplitude("Turn", "Largest turn about each axis, degrees.", 90, 0.25, "°")
    ] = 1.0
    scalePercent: Annotated[
        float,
        _amplitude(
            "Scale",
            "Largest change of size, per cent: 2 means factors from 0.98 to 1.02.",
            *(99, 0.5, "%"),
            asked="scale",
            factor=0.01,
        ),
    ] = 2.0
    shear: Annotated[
        float,
        _amplitude("Shear", "Largest shear: the tangent of the angle, no unit.", 1, 0.005, ""),
    ] = 0.01
    elasticMm: Annotated[
        float,
        _amplitude(
            "Bend",
            "Largest displacement of a control point of the elastic deformation, mm.",
            *(100, 0.5, "mm"),
        ),
    ] = 5.0
    elasticSpacingMm: Annotated[
        float,
        _amplitude(
            "Bend spacing",
            "Distance between the control points of the elastic deformation, mm. Below 0.4 of it "
            "a bend cannot fold.",
            *(200, 1.0, "mm"),
            low=1,
        ),
    ] = 20.0
    seed: Annotated[
        int,
        Number(
            "Seed",
            "All random numbers come from it: the same seed gives the same maps.",
            Place.RUN,
            high=2**31 - 1,
        ),
    ] = 0
    stopBelowMm: Annotated[
        float,
        Number(
            "Stop below",
            "The run stops by itself, after 4 perturbations at the earliest, when its map is known "
            "to better than this. K is then the most perturbations that are made. Off makes all "
            "of them.",
            Place.RUN,
            asked="tolerance",
            high=10,
            step=0.01,
            decimals=3,
            unit="mm",
            lowest="off",
        ),
    ] = 0.0
    labelToleranceMm: Annotated[
        float,
        Number(
            "Label tolerance",
            "Expected error above which the surface of a carried structure is not good enough for "
            "you: it is then said not to be used.",
            Place.RUN,
            asked="label_tolerance",
            high=50,
            step=0.5,
            decimals=1,
            unit="mm",
            lowest="none",
        ),
    ] = 0.0
    start: Annotated[
        str,
        OneOf(
            "Start",
            "Where the registration begins, when no initial transform says so.",
            Place.RUN,
            options=STARTS,
        ),
    ] = Start.HEADER.value
    keepRegistrations: Annotated[
        bool,
        Switch(
            "Keep every perturbed registration (for teaching)",
            "Writes the warped image of every pass, to be played one after another afterwards. "
            "Takes some 10 MB a pass on the disk.",
            Place.RUN,
        ),
    ] = False

    @classmethod
    def of(cls, kept: Any) -> RunChoices:
        """Take the choices out of what has them as attributes: a parameter node, for example."""
        return cls(**{field.name: getattr(kept, field.name) for field in fields(cls)})

    def changed(self, **changes: Any) -> RunChoices:
        """Return other choices, with what a change brings along.

        A preset brings its own numbers. Changing one field of the design makes the design a custom
        one, with the preset's numbers in the other fields; the paper's families are its own
        designs, and no change. What a script says of `customise` is taken as it is.

        Raises
        ------
        TypeError
            If there is no such field.
        """
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise TypeError(
                f"A run has no choice named {', '.join(unknown)}. "
                f"There are: {', '.join(sorted(known))}."
            )
        if "customise" in changes:
            return replace(self, **changes)
        custom = {name: value for name, value in changes.items() if name in DESIGN_FIELDS}
        chosen = replace(self, **{k: v for k, v in changes.items() if k not in custom})
        if "preset" in changes:
            chosen = replace(chosen, customise=False)
        family = custom.get("family", chosen.family)
        published = set(custom) == {"family"} and chosen.preset == Preset.PAPER.value
        if not chosen.customise and (custom or {"preset", "model"} & set(changes)):
            chosen = replace(chosen, **preset_fields(chosen.preset, chosen.model, family))
            if not custom or (published and family in _PUBLISHED):
                return chosen
        return replace(chosen, **custom, customise=chosen.customise or bool(custom))

    def differing(self, other: Any) -> dict[str, Any]:
        """Return the fields that something else with these attributes has otherwise."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(other, field.name) != getattr(self, field.name)
        }


#: The fields that replace the preset's values.
DESIGN_FIELDS = tuple(
    name for name, control in controls_of(RunChoices).items() if control.place is Place.DESIGN
)


def asked_of(choices: Any) -> dict[str, Any]:
    """Return what choices ask for, by the names of the command line and of a job; no nodes.

    Of the design only what differs from the preset's: its amplitudes may differ by axis.
    """
    own = preset_fields(choices.preset, choices.model, choices.family)
    paper = choices.preset == Preset.PAPER.value and choices.family in _PUBLISHED
    asked: dict[str, Any] = {"options": options_of(choices.model, choices.modelOptions)}
    for name, control in controls_of(RunChoices).items():
        if not control.asked or isinstance(control, Node):
            continue
        value = getattr(choices, name)
        is_own = choices.customise and value != own.get(name)
        if name not in DESIGN_FIELDS or is_own or (paper and name == "family"):
            asked[control.asked] = control.asks(value)
    if choices.registration is not None:
        asked["keep_registrations"] = False  # they would be those of the second opinion
    return asked


def design_request(choices: Any) -> DesignRequest:
    """Return the design that choices ask for; raises DesignError if there is none such."""
    return design_of(asked_of(choices))


def typical_lattice(model: str) -> Lattice:
    """Return a lattice of the network's spacing over the field of view of a head.

    The design of a run is resolved on the network's own lattice, which is known only once the
    images are read; presets depend on its spacing alone, the paper's protocol on its extent too.
    """
    entry = models().get(model, MODELS[DEFAULT_MODEL])
    spacing = entry.description.spacing_mm or _TYPICAL_SPACING_MM
    size = tuple(max(1, round(extent / spacing)) for extent in _TYPICAL_EXTENT_MM)
    return Lattice(size, np.diag([spacing, spacing, spacing, 1.0]))  # type: ignore[arg-type]


def resolved(choices: Any) -> Design:
    """Return the design on a typical lattice; raises DesignError if a number is out of range."""
    return design_request(choices).resolve(typical_lattice(choices.model))


def passes(choices: Any) -> int:
    """Passes through the network that a run makes: K times R, and two that are not perturbed.

    0 where the design is not valid.
    """
    try:
        return resolved(choices).passes + 2
    except TTAUncertaintyError:
        return 0


def preset_fields(preset: str, model: str, family: str = "") -> dict[str, Any]:
    """Return a preset's own numbers as fields of `RunChoices`; none where there is no such preset.

    Amplitudes follow the spacing of the model's lattice; those that differ by axis (the paper's)
    are given by their mean. `family` counts for the paper's protocol, which has one design each.
    """
    if preset not in {member.value for member in Preset}:
        return {}
    paper = preset == Preset.PAPER.value and family in _PUBLISHED
    request = DesignRequest(Preset(preset), Family(family) if paper else None)
    design = request.resolve(typical_lattice(model))
    values = vars(design) | vars(design.amplitudes)
    found = {}
    for name in DESIGN_FIELDS:
        control = controls_of(RunChoices)[name]
        value = values[control.asked or name]
        value = getattr(value, "value", value)
        if isinstance(control, Number) and control.decimals:
            value = round(float(np.mean(value)) / control.factor, 4)
        found[name] = value
    return found


def design_rows(choices: RunChoices) -> tuple[Row, ...]:
    """Return the rows of a design and of its run: the person's own numbers, or the preset's.

    What would change nothing cannot be set, so that nobody wonders.
    """
    shown = choices
    if not choices.customise:
        shown = replace(choices, **preset_fields(choices.preset, choices.model, choices.family))
    acting = AMPLITUDES_OF.get(shown.family, ())
    amplitudes = {amplitude for every in AMPLITUDES_OF.values() for amplitude in every}
    why_not = {
        name: "This perturbation has no such part."
        for name, control in controls_of(RunChoices).items()
        if control.asked in amplitudes and control.asked not in acting
    }
    if shown.replicates < 2:
        why_not["noise"] = "Only repeats (R of 2 or more) have noise between them."
    if choices.initialTransform is not None:
        why_not["start"] = "The initial transform says where the registration begins."
    if choices.movingLabels is None:
        why_not["labelToleranceMm"] = "There are no moving labels to be judged."
    if choices.registration is not None:
        why_not["keepRegistrations"] = "They would be those of the second opinion."
    return rows_of(RunChoices, (Place.DESIGN, Place.RUN), shown, why_not)


def design_words(choices: Any) -> Phrase:
    """Say whose numbers the design has."""
    words = "As in the preset {preset}. Changing a number makes the design your own."
    if choices.customise:
        words = "Changed from {preset}. Maps of different designs cannot be compared in mm."
    return Phrase(words, {"preset": Phrase(_preset_title(choices))})


def preset_words(choices: Any, cost: Phrase | None = None) -> Phrase:
    """Say what a preset does and costs.

    Parameters
    ----------
    choices
        `RunChoices`.
    cost
        How many passes, and how long they take; the passes alone if None.
    """
    about = next((Phrase(one.about) for one in PRESETS if one.value == choices.preset), Phrase())
    if choices.customise:
        title = Phrase(_preset_title(choices))
        about = Phrase("{preset}, changed under Advanced.", {"preset": title})
    count = passes(choices)
    said = Phrase("{cost}.", {"cost": cost or passes_said(count)})
    return sentences(about, said) if count else about


def _preset_title(choices: Any) -> str:
    return next((one.title for one in PRESETS if one.value == choices.preset), choices.preset)

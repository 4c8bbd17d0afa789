"""What the engine and a person could have found on a small oblique lattice, and its record."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from support.calibrations import PROVENANCE
from TTAUncertaintyLib.geometry import DeformableTransform, Image, Lattice
from TTAUncertaintyLib.results import Findings, MapKind

# Stored as (P, I, R), anisotropic, and turned by 10 degrees about the patient's long axis.
ANGLE = np.deg2rad(10)
TURN = np.array([[np.cos(ANGLE), -np.sin(ANGLE), 0], [np.sin(ANGLE), np.cos(ANGLE), 0], [0, 0, 1]])
STORED = np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]])
LATTICE = Lattice.from_geometry((34, 20, 30), (2.0, 4.0, 2.5), (40, -30, 35), TURN @ STORED)
BRIGHT = (25, 6, 8)  #: voxel (i, j, k) of the one place that stands out
DOUBT = (8, 3, -12)  #: voxels (k, j, i) from there to where the expected error is highest
HOSTILE = '<script>alert("x")</script>&.nii'


def volume(background: float, bright: float) -> np.ndarray:
    """A box of `background` in a field of zeros, with a bright block of 5^3 voxels."""
    values = np.zeros(LATTICE.array_shape, np.float32)
    values[3:-3, 2:-2, 3:-3] = background
    i, j, k = BRIGHT
    values[k - 2 : k + 3, j - 2 : j + 3, i - 2 : i + 3] = bright
    return values


_OF_AN_AUDIT = (MapKind.DISAGREEMENT, MapKind.OPINION_BOUND, MapKind.LOCAL_MISMATCH)
#: Every map of a run, and those that it has without a calibration.
OF_A_RUN = tuple(kind for kind in MapKind if kind not in _OF_AN_AUDIT)
UNCALIBRATED = tuple(kind for kind in OF_A_RUN if not kind.is_error)


def findings(kinds: tuple[MapKind, ...] = UNCALIBRATED, name: str = "fixed") -> Findings:
    image = Image(torch.from_numpy(volume(80, 100)), LATTICE, name)
    flat = {
        MapKind.TOTAL: volume(0.5, 2.9),
        MapKind.INTRINSIC: volume(0.3, 0.6),
        MapKind.JITTER: volume(0.4, 2.8),
        MapKind.INVERSE_CONSISTENCY: volume(1.0, 7.5),
        MapKind.JACOBIAN: np.exp(volume(-0.1, 0.6)),
        MapKind.EXPECTED_ERROR: np.roll(volume(0.7, 1.9), DOUBT, axis=(0, 1, 2)),
        MapKind.ERROR_BOUND: 2.5 * np.roll(volume(0.7, 1.9), DOUBT, axis=(0, 1, 2)),
    }
    shape = LATTICE.array_shape
    still = DeformableTransform(torch.zeros(3, *shape), LATTICE, np.eye(4))
    variances = (MapKind.TOTAL, MapKind.INTRINSIC, MapKind.JITTER)
    return Findings(
        fixed=image,
        moving=image,
        transform=still,
        lattice=LATTICE,
        maps={kind: flat[kind] for kind in kinds},
        variances={kind: flat[kind] ** 2 for kind in kinds if kind in variances},
        mask=volume(1, 1) > 0,
        outside=flat[MapKind.EXPECTED_ERROR] > 1 if MapKind.EXPECTED_ERROR in kinds else None,
    )


def record(**changes: Any) -> dict[str, Any]:
    file = {
        "path": "/images/fixed.nii",
        "sha256": "ab" * 32,
        "pixel_type": "32-bit float",
        "lattice": LATTICE.as_dict(),
        "nonfinite_replaced": 0,
    }
    made = {
        "schema_version": 1,
        "created": "2026-11-22T15:48:49+00:00",
        "complete": True,
        "passes": {"asked": 16, "done": 16, "used": 16, "perturbations_used_K": 8},
        "calibrated": False,
        "inputs": {"fixed": file, "moving": file, "mask": None},
        "model": {
            "name": "net",
            "title": "A network",
            "licence": "Apache-2.0",
            "citation": "Nobody: A network.",
            "weights": {"file": "net.safetensors", "sha256": "cd" * 32, "published": None},
        },
        "design": {
            "name": "standard",
            "family": "rigid",
            "amplitudes": {"translation_mm": 1.0, "rotation_deg": 1.0, "scale": 0.02},
            "sampling": "hadamard",
            "outer_K": 8,
            "replicates_R": 2,
            "noise": "discretisation",
            "micro_voxels": 0.5,
            "seed": 7,
            "allow_folding": False,
        },
        "placement": {
            "start": "header",
            "prealignment": "affine",
            "initial_fixed_to_moving_lps": np.eye(4).tolist(),
            "network_frame_to_fixed_lps": None,
        },
        "network_lattices": {"fixed": LATTICE.as_dict(), "moving": LATTICE.as_dict()},
        "execution": {"precision": "f32", "device": "cpu"},
        "seconds": {"loop": 12.5},
        "notes": [],
        "summary": {"region_voxels": 1000},
        "versions": {"ttauncertainty": "0.1.0"},
    }
    return made | changes


def calibrated_record(**changes: Any) -> dict[str, Any]:
    calibration = {
        "provenance": PROVENANCE,
        "error_bound": {"level": 0.9, "factor": 2.5},
        "region_outside_fraction": 0.01,
    }
    return record(calibrated=True, calibration=calibration, **changes)

"""What the files of a bundle are called, those of the maps aside, and its schema version."""

import shutil

SCHEMA_VERSION = 1

WARPED_FILE = "warped.nrrd"
TRANSFORM_FILE = "transform.h5"
#: The answer as a field of vectors, phi(y) - y in LPS mm, on the network's lattice.
DISPLACEMENT_FILE = "displacement.nrrd"
MEAN_TRANSFORM_FILE = "mean_transform.h5"
VARIANCES_FILE = "variances.nrrd"
#: Why an error is expected, on the network's lattice: see `review.reason_map`.
REASONS_FILE = "error_reasons.npz"
OUTSIDE_FILE = "outside_calibration.nrrd"
RECORD_FILE = "result.json"
REPORT_FILE = "report.html"
#: What it is called until it is whole.
REPORT_PARTIAL = "report.html.partial"
#: Left out where a result is copied, for `shutil.copytree`.
NOT_COPIED = shutil.ignore_patterns(REPORT_PARTIAL)
#: A review that the browser keeps beside the maps; the module exports one under this name.
REVIEW_FILE = "review.json"

#: The folder of kept registrations, its description, and the array of offsets in it.
REGISTRATIONS_FOLDER = "registrations"
REGISTRATIONS_FILE = f"{REGISTRATIONS_FOLDER}/registrations.json"
REGISTRATIONS_VERSION = 1
OFFSETS_FILE = "offsets.npy"

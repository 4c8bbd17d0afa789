"""No image comes in by another door than `read_stored`, whose checks would be missed there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Where ITK or Slicer may read an image, and why.
ALLOWED = {
    "TTAUncertaintyLib/geometry/dicom.py": "behind the door: slice by slice, after its checks",
    "TTAUncertaintyLib/geometry/stored.py": "behind the door: headers only",
    "TTAUncertaintyLib/geometry/given_transform.py": "displacement fields, which are no images",
    "TTAUncertaintyLib/carried/label_map.py": "names of segments, from headers only",
    "TTAUncertainty/TTAUncertaintyPanel/result_volumes.py": "files whose hash a run recorded",
    "TTAUncertainty/TTAUncertaintyPanel/samples.py": "files whose hash is known",
}
DOORS = re.compile(r"\b(ReadImage|ImageFileReader|ImageSeriesReader|load\w*Volume)\(")


def test_images_are_read_by_one_door() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("TTAUncertainty", "TTAUncertaintyLib")
        for path in (ROOT / room).rglob("*.py")
        if DOORS.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(ALLOWED)

"""Points come out in LPS whatever their file's frame, and only those that belong are paired."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.lattices import FLIPPED, OBLIQUE

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.review import LandmarkPair
from TTAUncertaintyLib.review.landmark_files import (
    NamedPoint,
    check_inside,
    pair_points,
    read_points,
)

FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = {frame}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
1,{x},{y},3,0,0,0,1,1,1,0,"the ""upper"", left",,,2,0
2,4,5,6,0,0,0,1,1,1,0,Höcker,,,2,0
3,7,8,9,0,0,0,1,1,1,0,not placed,,,0,0
"""


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def markups(frame: str | None, *points: tuple[str, list[float]], **more: Any) -> str:
    one: dict[str, Any] = {
        "type": "Fiducial",
        "coordinateSystem": frame,
        "controlPoints": [
            {"label": label, "position": position, "positionStatus": "defined"}
            for label, position in points
        ],
    }
    if frame is None:
        del one["coordinateSystem"]
    return json.dumps({"markups": [one | more]})


def named(*names: str) -> list[NamedPoint]:
    return [NamedPoint(name, (float(n), 0.0, 0.0)) for n, name in enumerate(names)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mrk.json", markups("LPS", ("A", [1, 2, 3]), ("B", [4, 5, 6]))),
        ("a.mrk.json", markups("RAS", ("A", [-1, -2, 3]), ("B", [-4, -5, 6]))),
        ("a.json", markups(None, ("A", [1, 2, 3]), ("B", [4, 5, 6]))),
        ("a.csv", "label,r,a,s,defined\nA,-1,-2,3,1\nB,-4,-5,6,1\nC,0,0,0,0\n"),
        ("a.csv", "\ufeffName; L; P; S\nA;1;2;3\nB;4;5;6\n".replace("; ", ";")),
        ("a.CSV", "x,y,z,t,label\n1,2,3,0,A\n4,5,6,0,B\n"),
    ],
)
def test_every_kind_of_file_gives_lps_points(tmp_path: Path, name: str, content: str) -> None:
    assert read_points(written(tmp_path, name, content)) == (
        NamedPoint("A", (1.0, 2.0, 3.0)),
        NamedPoint("B", (4.0, 5.0, 6.0)),
    )


def test_points_that_are_not_placed_yet_are_left_out(tmp_path: Path) -> None:
    document = json.loads(markups("LPS", ("A", [1, 2, 3]), ("B", [0, 0, 0])))
    document["markups"][0]["controlPoints"][1]["positionStatus"] = "undefined"
    path = written(tmp_path, "a.mrk.json", json.dumps(document))
    assert [point.name for point in read_points(path)] == ["A"]


@pytest.mark.parametrize(("frame", "sign"), [("RAS", -1), ("0", -1), ("LPS", 1), ("1", 1)], ids=str)
def test_the_frame_of_an_fcsv_file_is_its_own(tmp_path: Path, frame: str, sign: int) -> None:
    first, second = read_points(
        written(tmp_path, "a.fcsv", FCSV.format(frame=frame, x=1 * sign, y=2 * sign))
    )
    assert first == NamedPoint('the "upper", left', (1.0, 2.0, 3.0))
    assert second == NamedPoint("Höcker", (4.0 * sign, 5.0 * sign, 6.0))


@pytest.mark.parametrize("extension", ["mrk.json", "fcsv"])
@pytest.mark.parametrize("frame", [0, 1], ids=["RAS", "LPS"])
def test_files_that_slicer_writes_are_read_as_slicer_has_them(
    tmp_path: Path, extension: str, frame: int
) -> None:
    slicer, vtk = pytest.importorskip("slicer"), pytest.importorskip("vtk")
    kinds = {
        "mrk.json": slicer.vtkMRMLMarkupsJsonStorageNode,
        "fcsv": slicer.vtkMRMLMarkupsFiducialStorageNode,
    }
    scene, node = slicer.vtkMRMLScene(), slicer.vtkMRMLMarkupsFiducialNode()
    scene.AddNode(node)
    node.AddControlPoint(vtk.vtkVector3d(-1, -2, 3), 'a, "b"')
    node.AddControlPoint(vtk.vtkVector3d(4, 5, 6), "Höcker")
    node.AddControlPoint(vtk.vtkVector3d(7, 8, 9), "taken away")
    node.UnsetNthControlPointPosition(2)
    storage = kinds[extension]()
    scene.AddNode(storage)
    storage.SetCoordinateSystem(frame)
    path = tmp_path / f"points.{extension}"
    storage.SetFileName(str(path))
    assert storage.WriteData(node)
    assert read_points(path) == (
        NamedPoint('a, "b"', (1.0, 2.0, 3.0)),
        NamedPoint("Höcker", (-4.0, -5.0, 6.0)),
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.mrk.json", markups("LPS", ("A", [1, 2, 3]), ("A", [4, 5, 6])), "A more than once"),
        ("a.mrk.json", markups("LPS"), "no landmarks that are placed"),
        ("a.mrk.json", markups("IJK", ("A", [1, 2, 3])), "IJK, not RAS or LPS"),
        ("a.mrk.json", markups("LPS", ("A", [1, 2, 3]), coordinateUnits="um"), "not in mm"),
        ("a.mrk.json", '{"markups": [{}, {}]}', "2 lists"),
        ("a.mrk.json", "[1, 2", "is not JSON"),
        ("a.mrk.json", '{"something": 1}', "'markups' is missing"),
        ("a.mrk.json", markups("LPS", ("A", [1, 2])), "'controlPoints.0.position' is"),
        ("a.fcsv", FCSV.format(frame="IJK", x=1, y=2), "neither RAS nor LPS"),
        ("a.fcsv", "1,2\n", "damaged"),
        ("a.csv", "1,2,3\n4,5,6\n", "no columns of coordinates"),
        ("a.csv", "label,x,y,z\nA,1,2\n", "damaged"),
        ("a.csv", "label,x,y,z\nA,1,2,nan\n", "not a number"),
        ("a.txt", "1 2 3", "no file of landmarks"),
        ("a.mrk.json", "[" * 100_000, "nested too deeply"),
        ("a.mrk.json", markups("LPS", ("A", [1, 2, 10**400])), "'controlPoints.0.position' is"),
        ("a.mrk.json", markups("LPS", ("A", [1, 2, True])), "'controlPoints.0.position' is"),
        ("a.mrk.json", markups("LPS", ("A", "")), "'controlPoints.0.position' is"),
        ("a.csv", "label,x,y,z\nA,1,2,1e999\n", "not a number"),
        ("a.csv", "x,y,z\n" + "1,2,3\n" * 10_001, "more than 10000 landmarks"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_points(written(tmp_path, name, content))


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_points(tmp_path / "none.fcsv")


@pytest.mark.parametrize(
    ("fixed", "moving", "how", "partners"),
    [
        (("A", "B", "C"), ("C", "A", "B"), "by name", (1, 2, 0)),
        (("F-1", "F-2", "F-10"), ("M-10", "M-1", "M-2"), "by number", (1, 2, 0)),
        (("", "", ""), ("C", "A", "B"), "by order", (0, 1, 2)),
    ],
)
def test_points_are_paired(
    fixed: tuple[str, ...], moving: tuple[str, ...], how: str, partners: tuple[int, ...]
) -> None:
    paired = pair_points(named(*fixed), named(*moving))
    assert paired.how == how
    assert [pair.name for pair in paired.pairs] == [
        name or str(n) for n, name in enumerate(fixed, 1)
    ]
    assert [pair.moving_lps_mm[0] for pair in paired.pairs] == list(partners)


@pytest.mark.parametrize(
    ("fixed", "moving", "words"),
    [
        (("A", "B"), ("A",), r"2 landmarks on the fixed image and 1.*only on the fixed: B"),
        (("A", "B"), ("A", "C"), r"only on the fixed: B; only on the moving: C"),
        (("left", "right"), ("front", "back"), "same names"),
        (("F-1", "G-1"), ("M-1", "N-1"), "same names"),
        (("F-1", "F-2"), ("M-1", "M-3"), "same names"),
    ],
)
def test_points_without_partners_are_refused(
    fixed: tuple[str, ...], moving: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        pair_points(named(*fixed), named(*moving))


def test_points_outside_their_image_are_named() -> None:
    def at(lattice: Any, voxel: list[float]) -> Any:
        return tuple(lattice.to_world(np.array(voxel)).tolist())

    inside = at(FLIPPED, [11.4, -0.4, 5]), at(OBLIQUE, [0, 0, 12.4])
    check_inside([LandmarkPair("in", *inside)], FLIPPED, OBLIQUE)
    out = LandmarkPair("out", at(FLIPPED, [11.6, 3, 5]), inside[1])
    with pytest.raises(InputError, match=r"1 of 2 landmarks lie outside the fixed image: out"):
        check_inside([LandmarkPair("in", *inside), out], FLIPPED, OBLIQUE)
    out = LandmarkPair("out", inside[0], at(OBLIQUE, [0, -0.6, 12]))
    with pytest.raises(InputError, match="outside the moving image: out"):
        check_inside([out], FLIPPED, OBLIQUE)


def test_many_names_are_counted_once_and_not_with_each_other() -> None:
    """The work grows with the number of names, measured in how often names are compared."""

    class Counted(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return str.__eq__(self, other)

    def points(prefix: str, count: int) -> list[NamedPoint]:
        return [NamedPoint(Counted(f"{prefix}-{n}"), (0.0, 0.0, 0.0)) for n in range(count)]

    count = 3000
    with pytest.raises(InputError, match="do not have the same names"):
        pair_points(points("F", count), points("M", count - 1) + points("x", 1))
    assert Counted.compared < 20 * count


def test_a_name_of_a_million_digits_is_a_name(tmp_path: Path) -> None:
    (point,) = read_points(written(tmp_path, "a.csv", f"label,x,y,z\n{'1' * 100_000},1,2,3\n"))
    assert pair_points([point], named("other-" + "1" * 200)).how == "by number"


def test_names_do_not_command_a_terminal(tmp_path: Path) -> None:
    (point,) = read_points(written(tmp_path, "a.csv", "label,x,y,z\nA\x1b[2J\u202e,1,2,3\n"))
    assert point.name == "A[2J"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-32"])
def test_another_encoding_is_said(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("label,x,y,z\nHöcker,1,2,3\n".encode(encoding))
    with pytest.raises(InputError, match="UTF-8"):
        read_points(path)


def test_lines_of_windows_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbflabel,x,y,z\r\nA,1,2,3\r\nB,4,5,6\r\n")
    assert [point.name for point in read_points(path)] == ["A", "B"]

"""`tta.cohort` is the command `cohort run`: the same choices, the same study."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from support.cohort_pairs import SMALL, write_images

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.api.cohorts import cohort
from TTAUncertaintyLib.cli.command_line import make_parser
from TTAUncertaintyLib.cohort.clusters import Where
from TTAUncertaintyLib.cohort.pairs import read_table
from TTAUncertaintyLib.cohort.settings import of_all


def test_command_and_function_know_the_same_choices() -> None:
    options = make_parser().parse_args(["cohort", "run", "table.tsv", "-o", "study"])
    parameters = inspect.signature(cohort).parameters
    of_register = inspect.signature(tta.register).parameters
    own = set(parameters) - {"choices"}
    known = own | of_all(of_register)
    assert set(vars(options)) - {"command", "action", "do"} == known
    for name, value in vars(options).items():
        default = {**of_register, **parameters}.get(name)
        if default is not None and default.default is not inspect.Parameter.empty:
            said = getattr(default.default, "value", default.default)
            assert (said or None) == (value or None), name


def test_a_study_from_python(tmp_path: Path, cluster: Where) -> None:
    assert cluster.tls is not None
    table = write_images(tmp_path / "in", ["one"])
    authority, certificate, key = cluster.tls
    found = tta.cohort(
        str(table),
        tmp_path / "study",
        scheduler=cluster.scheduler,
        tls_ca=authority,
        tls_cert=certificate,
        tls_key=key,
        preset="quick",
        use_calibration=False,
        quiet=True,
        **SMALL,
    )
    assert (found.done, found.failed) == (1, 0)
    rows = read_table(found.folder / "results.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["done"]
    assert (found.folder / "index.html").is_file()


def test_what_is_wrong_is_said_in_the_words_of_python(tmp_path: Path) -> None:
    table = write_images(tmp_path / "in", ["one"])
    with pytest.raises(TypeError, match="no choice 'moving'"):
        tta.cohort(table, tmp_path / "study", moving="x")
    with pytest.raises(tta.errors.InputError, match="tls_ca, tls_cert"):
        tta.cohort(table, tmp_path / "study", tls_ca="ca.pem", quiet=True)
    with pytest.raises(tta.errors.InputError, match="no 'condor'"):
        tta.cohort(table, tmp_path / "study", batch="condor", quiet=True)
    assert not (tmp_path / "study").exists()

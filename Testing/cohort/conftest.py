"""What the tests of cohorts share: a real result, for the stand-in to give."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra 'cohort' is not installed")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a real run on small images."""
    from support.cohort_pairs import write_template

    return write_template(tmp_path_factory.mktemp("template"))

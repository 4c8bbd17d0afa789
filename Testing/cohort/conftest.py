"""What the tests of cohorts share: workers, and a real result for the stand-in to give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="the extra 'cohort' is not installed")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a real run on small images."""
    from support.cohort_pairs import write_template

    return write_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The scheduler of two workers, one for all tests: each starts for seconds."""
    from support.cohort_pairs import cluster_of

    with cluster_of(tmp_path_factory.mktemp("cluster"), 2) as where:
        yield where

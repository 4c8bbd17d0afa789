"""A run that the page sends to somebody's cluster: as at home, and nothing of it stays there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.viewer_page import PATIENCE_MS, Study, open_page
from support.viewer_process import ViewerProcess

from TTAUncertaintyLib.results import Bundle

pytest.importorskip("distributed", reason="the extra 'cohort' is not installed")


def test_a_run_is_sent_to_the_cluster_that_the_page_names(
    browser: Any, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.cohort_pairs import cluster_of, until

    scratch = tmp_path / "cluster" / "scratch"

    def there_now() -> list[Path]:
        return list(scratch.rglob("ttauncertainty-*/in"))

    with cluster_of(tmp_path / "cluster", 1) as there:
        assert there.tls is not None and there.scheduler is not None
        for name, path in zip(("CA_FILE", "CLIENT__CERT", "CLIENT__KEY"), there.tls, strict=True):
            monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(path))
        with ViewerProcess(tmp_path, "--results", tmp_path / "results") as viewer:
            page = open_page(browser, viewer.address, ".tta-tab-run")
            page.click(".tta-tab-run")
            page.click(".tta-run_pair")
            page.locator(".v-overlay--active .v-list-item", has_text="images of your own").click()
            for role, path in (("fixed", study.fixed), ("moving", study.moving)):
                page.set_input_files(f".tta-file-{role} input", str(path))
                page.wait_for_selector(f".tta-file-{role}:has-text('{path.name}')")
            page.click(".tta-advanced .v-expansion-panel-title")
            field = page.locator(".tta-run_scheduler input")
            field.fill(there.scheduler)
            field.press("Tab")
            page.click(".tta-run")
            page.wait_for_selector(".tta-running")
            until(lambda: bool(there_now()), 120)
            page.wait_for_selector(".tta-map-select", timeout=4 * PATIENCE_MS)
            page.context.close()
            (made,) = (tmp_path / "results").iterdir()
            record = Bundle.open(made).record
            assert record["complete"]
            until(lambda: not there_now(), 20)

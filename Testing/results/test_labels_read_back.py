"""A report that is made again has the structures that the first one had."""

from __future__ import annotations

import re
from pathlib import Path

from support.small_result import write_result

from TTAUncertaintyLib.results import Bundle, write_report
from TTAUncertaintyLib.results.reading_back import findings_of


def structures_of(report: Path) -> str:
    """Return the words of a report's section of structures."""
    page = report.read_text("utf-8")
    (section,) = re.findall(r'<section id="labels">.*?</section>', page, re.DOTALL)
    return re.sub(r"\s*<[^>]*>\s*", "|", section)


def test_structures_are_read_back_to_the_letter(tmp_path: Path) -> None:
    bundle = Bundle.open(write_result(tmp_path))
    before = structures_of(bundle.report)
    assert "Left half" in before and "Right half" in before
    bundle.report.unlink()
    findings = findings_of(bundle)
    assert findings.labels is not None
    assert findings.labels.as_dict() == bundle.record["labels"] | {
        "structures": findings.labels.as_dict()["structures"]
    }
    assert findings.labels.carried.probability(1).max() == 1
    assert write_report(bundle.folder, findings, bundle.record)
    assert structures_of(bundle.report) == before

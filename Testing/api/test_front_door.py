"""The one name that a person imports: light, and complete."""

from __future__ import annotations

import subprocess
import sys

import pytest

import TTAUncertaintyLib as tta


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "SimpleITK", "scipy", "tqdm")
    code = "import sys, TTAUncertaintyLib; print([n for n in {} if n in sys.modules])"
    assert python(code.format(heavy)) == "[]"


def test_results_are_loaded_and_runs_are_started_without_torch() -> None:
    code = "import sys, TTAUncertaintyLib as tta; tta.register, tta.load, tta.models(); "
    assert python(code + "print('torch' in sys.modules)") == "False"


def test_every_name_that_it_promises_is_there() -> None:
    for name in tta.__all__:
        assert getattr(tta, name) is not None
    assert set(tta.__all__) == set(dir(tta))
    with pytest.raises(AttributeError, match="no_such_name"):
        tta.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    "before",
    ["", "import TTAUncertaintyLib.models", "from TTAUncertaintyLib.models import load_model"],
)
def test_models_is_a_room_and_a_question_whichever_is_named_first(before: str) -> None:
    code = (
        f"{before}\nimport TTAUncertaintyLib as tta\nprint('pyramid-flow' in tta.models(), "
        "tta.models.DEFAULT_MODEL in tta.models())"
    )
    assert python(code) == "True True"


def test_the_list_of_models_shows_itself() -> None:
    found = tta.models()
    assert found["pyramid-flow"].has_weights and not found["lapirn"].has_weights
    assert "lapirn" in repr(found) and "not installed" in repr(found)
    assert "<table>" in found._repr_html_() and found["lapirn"].purpose[:20] in found._repr_html_()

"""What goes between a worker and whoever started it survives the way."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from TTAUncertaintyLib.engine import Precision
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Prealignment, Start
from TTAUncertaintyLib.perturbations import DesignRequest, Family, Noise, Preset, Sampling
from TTAUncertaintyLib.worker import Job, LineReader, messages, parse
from TTAUncertaintyLib.worker.messages import Voice


def test_a_job_survives_the_way_through_its_file() -> None:
    job = Job(
        fixed=Path("/data/Köpfe/füxed.nii.gz"),
        moving=Path("m.nrrd"),
        output=Path("out"),
        weights=Path("w.pth"),
        design=DesignRequest(
            Preset.THOROUGH, Family.SHEAR, Sampling.SOBOL, 6, 3, Noise.ENSEMBLE, 7, shear=0.03
        ),
        start=Start.MASS,
        prealign=Prealignment.RIGID,
        precision=Precision.BF16,
        ensemble=(Path("a"), Path("b")),
        time_limit_s=4.5,
        previews=Path("Vorschau für Ärzte"),
        keep_registrations=True,
        tolerance_mm=0.05,
        fixed_name="Kopf von früher",
    )
    assert Job.from_json(job.to_json()) == job
    assert job.to_json().isascii()


def test_only_a_precision_that_nobody_named_may_be_reduced() -> None:
    job = Job(Path("f"), Path("m"), Path("o"))
    assert (job.execution.precision, job.execution.may_reduce) == (Precision.F32, True)
    for precision in Precision:
        execution = replace(job, precision=precision).execution
        assert (execution.precision, execution.may_reduce) == (precision, False)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"fixd": "x"}, "fixd"),
        ({"start": "somewhere"}, "somewhere"),
        ({"schema_version": 99}, "99"),
        ({"fixed": None, "moving": 3}, "not valid"),
        ({"fixed": ""}, "'fixed' is"),
        ({"overwrite": "no"}, "'overwrite' is \"no\". Allowed: true or false"),
        ({"overwrite": 0}, "'overwrite' is 0"),
        ({"channels_last": "false"}, "'channels_last'"),
        ({"keep_registrations": None}, "'keep_registrations'"),
        ({"batch_size": "2"}, "'batch_size'"),
        ({"batch_size": 2.0}, "'batch_size'"),
        ({"threads": True}, "'threads'"),
        ({"ensemble": "weights.pth"}, "'ensemble'"),
        ({"options": {"a": 1}}, "'options.a'"),
        ({"design": {"preset": "quick", "outer": "8"}}, "'design.outer'"),
        ({"design": {"scale": True}}, "'design.scale'"),
        ({"time_limit_s": 10**400}, "'time_limit_s'"),
    ],
)
def test_a_job_with_a_mistake_is_refused_by_name(change: dict[str, object], word: str) -> None:
    values = json.loads(Job(Path("f"), Path("m"), Path("o")).to_json()) | change
    with pytest.raises(InputError, match=word):
        Job.from_json(json.dumps(values))


@pytest.mark.parametrize("tolerance", ["0", "-0.1", "NaN", "Infinity", "true", '"0.1"'])
def test_a_tolerance_that_is_no_number_above_zero_is_refused(tolerance: str) -> None:
    text = Job(Path("f"), Path("m"), Path("o")).to_json()
    assert '"tolerance_mm": null' in text
    with pytest.raises(InputError, match=r"tolerance|is not a number"):
        Job.from_json(text.replace('"tolerance_mm": null', f'"tolerance_mm": {tolerance}'))


def test_a_job_that_is_not_json_is_refused() -> None:
    with pytest.raises(InputError, match="it is not JSON"):
        Job.from_json("{")


def test_an_unknown_preset_names_those_there_are() -> None:
    values = json.loads(Job(Path("f"), Path("m"), Path("o")).to_json())
    values["design"]["preset"] = "best"
    names = '"quick" or "standard" or "thorough" or "paper"'
    with pytest.raises(InputError, match=f"'design.preset' is \"best\". Allowed: {names}"):
        Job.from_json(json.dumps(values))


def test_messages_are_ascii_lines_whatever_they_carry() -> None:
    stream = io.StringIO()
    Voice(stream).say("note", text="Straße\nzwei")
    assert stream.getvalue().isascii()
    assert stream.getvalue().count("\n") == 1
    assert parse(stream.getvalue()) == {"type": "note", "text": "Straße\nzwei"}


def test_nothing_is_said_after_the_last_message() -> None:
    stream = io.StringIO()
    voice = Voice(stream)
    voice.say("cancelled")
    voice.say("heartbeat")
    assert stream.getvalue().count("\n") == 1


def test_a_heart_beats_while_others_speak_and_every_line_stays_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            for part in (text[:5], text[5:]):
                super().write(part)
                time.sleep(0.001)
            return len(text)

    monkeypatch.setattr(messages, "HEARTBEAT_S", 0.001)
    stream = Slow()
    voice = Voice(stream)
    voice.beat()
    for n in range(300):
        voice.say("note", text=str(n) * 50)
        time.sleep(0.001)
    voice.say("cancelled")
    time.sleep(0.02)
    found = [parse(line) for line in stream.getvalue().splitlines()]
    assert None not in found
    kinds = [message["type"] for message in found if message]
    assert kinds.count("note") == 300
    assert kinds.count("heartbeat") > 10
    assert kinds[-1] == "cancelled"


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_messages_in_fragments_come_out_whole_and_noise_is_left_out(size: int) -> None:
    stream = io.StringIO()
    voice = Voice(stream)
    voice.say("started", pid=1)
    stream.write("a library prints something\n[1, 2]\n")
    voice.say("note", text="x")
    reader, found = LineReader(), []
    text = stream.getvalue()
    for first in range(0, len(text), size):
        found += reader.feed(text[first : first + size])
    assert [message["type"] for message in found] == ["started", "note"]

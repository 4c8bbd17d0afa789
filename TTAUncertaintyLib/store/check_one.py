"""The process that looks into one weights file: `python -m TTAUncertaintyLib.store.check_one`.

It answers with a line of JSON: what is wrong, and what to do about it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from ..errors import ConsentNeeded, MissingPackage, TTAUncertaintyError

#: Beside the file itself, several times over: PyTorch's libraries, and a network.
_MEMORY_BYTES = 12 * 2**30


def main(arguments: list[str] | None = None) -> int:
    """Convert where that is asked for, load strictly, say what is wrong; returns the status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("source", type=Path)
    parser.add_argument("--convert-to", type=Path)
    parser.add_argument("--trust-code", action="store_true")
    options = parser.parse_args(arguments)
    try:
        import torch  # noqa: F401
    except ImportError:
        return MissingPackage.exit_code
    source: Path = options.source
    _limit(_MEMORY_BYTES + 8 * source.stat().st_size)
    problem = remedy = ""
    program = None
    try:
        _look(options.model, source, options.convert_to, options.trust_code)
    except TTAUncertaintyError as error:
        problem, remedy = error.problem, error.remedy
        if isinstance(error, ConsentNeeded):
            program = (str(error.file), error.sha256)
    except MemoryError:
        problem = f"There is too little memory to read {source.name}."
        remedy = "It is larger than this model's weights should be, or other programs take all."
    except Exception as error:  # whatever a damaged file brings about, the answer is a sentence
        problem = f"The weights file {source.name} cannot be read ({error!r})."
        remedy = "Get it again from its publisher."
    print(json.dumps({"problem": problem, "remedy": remedy, "program": program}))
    return 0


def _look(model: str, source: Path, converted: Path | None, trust_code: bool) -> None:
    from ..models.loading import find_entry

    entry = find_entry(model)
    if converted is not None:
        entry.convert_file(source, converted)
    entry.load(None if entry.manifest else converted or source, trust_code=trust_code)


def _limit(most_bytes: int) -> None:
    """Limit this process's memory, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))


if __name__ == "__main__":
    raise SystemExit(main())

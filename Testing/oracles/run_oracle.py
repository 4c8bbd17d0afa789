"""Make the environment of a publisher's code, and compare our network with it.

    python Testing/oracles/run_oracle.py NAME [ARGUMENT ...]

NAME is that of a compare_NAME.py beside this file. Its environment, .oracles/NAME, gets what
requirements-NAME.txt lists, and, without their dependencies, what requirements-NAME-alone.txt
lists where there is one. The arguments are handed on.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".oracles"


def environment(name: str) -> Path:
    """Make an environment where it is missing or older than its lists; return its Python."""
    folder = ENVIRONMENTS / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    lists = [
        (path, extra)
        for path, extra in (
            (HERE / f"requirements-{name}.txt", []),
            (HERE / f"requirements-{name}-alone.txt", ["--no-deps"]),
        )
        if path.is_file()
    ]
    stamp = folder / ".installed"
    newest = max(path.stat().st_mtime for path, _ in lists)
    if stamp.is_file() and stamp.stat().st_mtime >= newest:
        return python
    print(f"making {folder} (once)", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    for path, extra in lists:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *extra, "-r", str(path)], check=True)
    stamp.touch()
    return python


def main() -> int:
    """Compare; returns the comparison's exit status."""
    names = sorted(path.stem.removeprefix("compare_") for path in HERE.glob("compare_*.py"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"Give one of {', '.join(names)}.", file=sys.stderr)
        return 2
    name, *arguments = sys.argv[1:]
    script = HERE / f"compare_{name}.py"
    return subprocess.run([str(environment(name)), str(script), *arguments], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())

"""Fetch MultiPropReg 0.1.1 (MIT) from the package index: a network that nobody here wrote.

    python Testing/oracles/get_multipropreg.py

Its wheel is unpacked into .oracles/multipropreg, and never installed. The environment variable
TTAUNCERTAINTY_MULTIPROPREG may name another folder that holds it unpacked.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".oracles" / "multipropreg"
SHA256 = "f00b914adf1581bff219a6d31d7d9b1a6de8e41ec602c25e26dbb4a3e02a3451"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--dest", folder, "MultiPropReg==0.1.1"),
            ],
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{wheel.name} has the SHA-256 {found}, not {SHA256}.")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(FOLDER)
    print(f"MultiPropReg 0.1.1 is in {FOLDER}.")


if __name__ == "__main__":
    main()

"""Weights on this computer: from the publisher or from a file, checked, listed, removed.

Torch is not needed, and nothing of Slicer; what looks into a weights file runs in a process of its
own (`checking`).
"""

from .availability import Lack, Source, Weights, weights_of
from .checking import Verdict, check_contents
from .download import Download, DownloadPhase, DownloadState
from .folder import cache_folder
from .record import Origin, Record
from .store import Installed, Verification, WeightsStore

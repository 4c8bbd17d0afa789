"""Where and how exactly the network runs: device, precision, memory layout, batches."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..errors import ResourceError

if TYPE_CHECKING:
    import torch

# The desktop describes a run without having torch: the functions that need it import it.


class Precision(Enum):
    """Arithmetic of the network's layers; geometry and variance are float32 in any case."""

    F32 = "f32"
    BF16 = "bf16"
    F16 = "f16"

    @property
    def dtype(self) -> torch.dtype:
        """The torch dtype."""
        import torch

        return {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[self.value]


@dataclass(frozen=True)
class Execution:
    """How to run."""

    device: str = "auto"
    #: Of the network's layers.
    precision: Precision = Precision.F32
    #: Memory layout of its features; faster on most devices, the same numbers to rounding.
    channels_last: bool = True
    #: Perturbed passes at once; None takes 1 on the CPU and 4 elsewhere.
    batch_size: int | None = None
    #: Whether a run in float32 may go over to reduced precision, before it goes to the CPU,
    #: where memory runs out even for a single pass. Not where float32 was asked for by name.
    may_reduce: bool = False

    def resolve_device(self) -> torch.device:
        """Return the device to use.

        Raises
        ------
        ResourceError
            If it was asked for by name and is not there.
        """
        import torch

        if self.device == "auto":
            if torch.cuda.is_available():
                return torch.device("cuda")
            if torch.backends.mps.is_available():
                return torch.device("mps")
            return torch.device("cpu")
        try:
            device = torch.device(self.device)
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ResourceError(
                f"The device '{self.device}' is not available here.",
                "Use --device cpu, or auto to take what there is.",
            ) from error
        return device

    def resolve_batch_size(self, device: torch.device) -> int:
        """Return how many passes to run at once to begin with."""
        if self.batch_size is not None:
            return max(1, self.batch_size)
        return 1 if device.type == "cpu" else 4

    def reduced_precision(self, device: torch.device) -> Precision | None:
        """Return the precision to go over to where memory runs out; None where none may be.

        bf16 has the range of float32, so that nothing overflows; f16 where the device lacks it.
        """
        import torch

        if not self.may_reduce or self.precision is not Precision.F32:
            return None
        lacks = device.type == "cuda" and not torch.cuda.is_bf16_supported(False)
        return Precision.F16 if lacks or device.type == "mps" else Precision.BF16

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        return {
            "precision": self.precision.value,
            "channels_last": self.channels_last,
        }


@contextlib.contextmanager
def numerics(device: torch.device, precision: Precision) -> Iterator[None]:
    """Run layers in a precision, reproducibly: no TF32 behind float32, no timing-chosen kernels."""
    import torch

    with (
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ),
        torch.autocast(device.type, dtype=precision.dtype, enabled=precision is not Precision.F32),
    ):
        yield


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception means that memory, of the device or the machine, ran out."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def use_threads(asked: int | None) -> list[str]:
    """Let torch use a number of CPU threads, no more than there are CPUs.

    More bring nothing, and some ten thousand end the process: the system refuses them, and the
    library beneath torch does not look.

    Parameters
    ----------
    asked
        None leaves torch's choice.

    Returns
    -------
    list
        What a person should know: that it is another number than they asked for.
    """
    if asked is None:
        return []
    import torch

    there = os.cpu_count() or 1
    used = min(max(1, asked), there)
    torch.set_num_threads(used)
    if used == asked:
        return []
    return [f"{used} CPU threads are used, not {asked}: this computer has {there}."]

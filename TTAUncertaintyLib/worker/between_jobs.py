"""What a job may have changed in its process, put back before the next one."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

_ITK = sitk.ProcessObject
_CUDNN = torch.backends.cudnn


@contextmanager
def as_before() -> Iterator[None]:
    """Put back what whatever runs in here changes, so that the next job finds what this one found.

    Working folder, environment, module path; the dice of Python, numpy and torch; threads of torch
    and ITK; torch's default precision and its switches for reproducible and for faster arithmetic;
    what numpy raises and of what there were warnings. Memory, a GPU's too, is given back.
    """
    with contextlib.ExitStack() as stack:
        for forget in (give_memory_back, gc.collect, _new_gpu_dice):  # the last of them first
            stack.callback(forget)
        stack.callback(_put_back_process, _folder(), dict(os.environ), list(sys.path))
        changeable: tuple[tuple[Callable[[Any], object], Any], ...] = (
            (random.setstate, random.getstate()),
            (np.random.set_state, np.random.get_state()),
            (torch.random.set_rng_state, torch.random.get_rng_state()),
            (torch.set_num_threads, torch.get_num_threads()),
            (torch.set_default_dtype, torch.get_default_dtype()),
            (torch.set_grad_enabled, torch.is_grad_enabled()),
            (torch.set_float32_matmul_precision, torch.get_float32_matmul_precision()),
            (torch.set_deterministic_debug_mode, torch.get_deterministic_debug_mode()),
            (_ITK.SetGlobalDefaultNumberOfThreads, _ITK.GetGlobalDefaultNumberOfThreads()),
        )
        for put_back, value in changeable:
            stack.callback(put_back, value)
        for switch in ("enabled", "benchmark", "deterministic"):
            stack.callback(setattr, _CUDNN, switch, getattr(_CUDNN, switch))
        stack.enter_context(np.errstate())
        stack.enter_context(warnings.catch_warnings())  # also forgets what was warned of
        yield


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it is gone
        return ""


def _put_back_process(folder: str, variables: dict[str, str], path: list[str]) -> None:
    with contextlib.suppress(OSError):
        os.chdir(folder)
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
    sys.path[:] = path


def _new_gpu_dice() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(torch.initial_seed())  # as of a new process


def give_memory_back() -> None:
    """Give the system the memory that is not used any more, a GPU's too."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)  # what it keeps for a next time is half a gigabyte
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()

"""The training run: resumable, logged, and the same for the same seed."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from TTAUncertaintyLib.models.networks.pyramid_flow import (
    PyramidFlowArchitecture,
    PyramidFlowNetwork,
)
from TTAUncertaintyLib.models.weights.described import architecture_to_text
from TTAUncertaintyLib.training.losses import LossTerms, LossWeights, registration_loss
from TTAUncertaintyLib.training.synthesis import PairSource, SynthesisSettings, SyntheticPair


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides what a training run does.

    Attributes
    ----------
    steps
        Length of the whole run; the learning rate falls over it.
    stages
        (first step, finest level) in order: training starts with the coarse levels, which are the
        cheap ones, and adds the finer ones later, as LapIRN does.  In the stage of level 0 the
        full-resolution level is trained alone: passing gradients through all the others would
        cost three times as much.
    learning_rate
        Its largest value.  It rises over `warm_up` steps, and over the last 60 % of the joint
        training, and once more of the full-resolution level's, it falls along a half cosine to a
        fiftieth.
    averaging
        Decay of the running average of the weights, which is what is exported.
    reduced_precision
        Convolutions in bfloat16.
    """

    seed: int = 1
    steps: int = 2370
    stages: tuple[tuple[int, int], ...] = ((0, 2), (450, 1), (1950, 0))
    learning_rate: float = 6e-4
    warm_up: int = 100
    averaging: float = 0.995
    reduced_precision: bool = True
    architecture: PyramidFlowArchitecture = field(default_factory=PyramidFlowArchitecture)
    synthesis: SynthesisSettings = field(default_factory=SynthesisSettings)
    loss: LossWeights = field(default_factory=LossWeights)

    def going_on(self) -> TrainingSettings:
        """Return the same for a network that has learnt before: all levels, at a third the rate.

        The full-resolution level comes last here, too, for the last sixth of the run.
        """
        stages = ((0, 1), (self.steps * 5 // 6, 0))
        return replace(self, stages=stages, learning_rate=self.learning_rate / 3)

    def finest_level(self, step: int) -> int:
        """Return the finest level that is trained at this step."""
        return [level for first, level in self.stages if first <= step][-1]

    def rate(self, step: int) -> float:
        """Return the learning rate at this step."""
        last_joint = next((first for first, level in self.stages if level == 0), self.steps)
        begin, end = (0, last_joint) if step < last_joint else (last_joint, self.steps)
        rise = min(1.0, (step - begin + 1) / max(1, self.warm_up))
        done = (step - begin) / max(1, end - begin)
        fall = 0.5 * (1.0 + math.cos(math.pi * max(0.0, done - 0.4) / 0.6))
        return self.learning_rate * rise * (0.02 + 0.98 * fall)


class Trainer:
    """A network in training.

    Parameters
    ----------
    settings
        What to do.
    tissues
        From `load_tissue_probabilities`; None trains on random shapes alone.
    begin
        Weights of the same architecture to go on from; None begins with random ones.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        tissues: Tensor | None,
        begin: PyramidFlowNetwork | None = None,
    ) -> None:
        self.settings = settings
        torch.manual_seed(settings.seed)
        self.network = PyramidFlowNetwork(settings.architecture)
        if begin is not None:
            self.network.load_state_dict(begin.state_dict())
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99)
        )
        self.pairs = PairSource(settings.seed, tissues, settings.synthesis)
        self.done = 0

    def step(self, pair: SyntheticPair | None = None) -> LossTerms:
        """Train on one pair: on `pairs[done]`, which may have been made in advance."""
        settings = self.settings
        pair = pair if pair is not None else self.pairs[self.done]
        torch.manual_seed(settings.seed * 1_000_003 + self.done)  # for dropout
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate(self.done)
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        terms = self._loss(pair)
        terms.total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.done += 1
        self._follow()
        return terms

    def _loss(self, pair: SyntheticPair) -> LossTerms:
        finest_level = self.settings.finest_level(self.done)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.settings.reduced_precision):
            flows = self.network.flows(
                pair.moving, pair.fixed, finest_level, finest_alone=finest_level == 0
            )
        return registration_loss(flows, pair, self.settings.loss)

    @torch.no_grad()
    def _follow(self) -> None:
        # A short memory at the start: the first weights are not worth remembering.
        decay = min(self.settings.averaging, self.done / (self.done + 10))
        for average, current in zip(
            self.average.parameters(), self.network.parameters(), strict=True
        ):
            average.lerp_(current, 1.0 - decay)

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs."""
        return {
            "done": self.done,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "architecture": architecture_to_text(self.settings.architecture),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = int(state["done"])


def run_training(
    trainer: Trainer,
    folder: Path,
    *,
    save_every: int = 100,
    log_every: int = 20,
    workers: int = 1,
) -> None:
    """Train to the end, writing `checkpoint.pt` and `log.jsonl` into a folder.

    Where the folder already holds a checkpoint, training continues from there.  `workers`
    processes make pairs in advance; 0 makes them in this one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.is_file():
        trainer.load_state(torch.load(checkpoint, weights_only=True))
    (folder / "settings.json").write_text(json.dumps(asdict(trainer.settings), indent=1))
    sums: dict[str, float] = {}
    count, begin = 0, time.perf_counter()
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for pair in _pairs_to_come(trainer, workers):
            terms = trainer.step(pair)
            values = {
                "loss": float(terms.total.detach()),
                "error_mm": terms.error_mm,
                "initial_mm": terms.initial_mm,
                "overlap": terms.overlap,
            }
            sums = {name: sums.get(name, 0.0) + value for name, value in values.items()}
            count += 1
            last = trainer.done == trainer.settings.steps
            if trainer.done % log_every == 0 or last:
                line: dict[str, float] = {
                    name: round(total / count, 4) for name, total in sums.items()
                }
                line["step"] = trainer.done
                line["level"] = trainer.settings.finest_level(trainer.done - 1)
                line["seconds_per_step"] = round((time.perf_counter() - begin) / count, 3)
                log.write(json.dumps(line) + "\n")
                log.flush()
                sums, count, begin = {}, 0, time.perf_counter()
            if trainer.done % save_every == 0 or last:
                _save(trainer.state(), checkpoint)


def _pairs_to_come(trainer: Trainer, workers: int) -> Iterator[SyntheticPair]:
    """Return the pairs of all steps that are still to do, in order."""
    loader: DataLoader[SyntheticPair] = DataLoader(
        trainer.pairs,
        batch_size=None,
        sampler=range(trainer.done, trainer.settings.steps),
        num_workers=workers,
        prefetch_factor=6 if workers else None,
    )
    return iter(loader)


def _save(state: dict[str, Any], path: Path) -> None:
    """Write to a temporary name first: an interrupted write leaves the old checkpoint."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)

"""The one loop: perturb the moving image, predict, compensate, accumulate.

For perturbations tau_k, with A the moving image, B the fixed image and f the network:

    phi_0   = f(A, B)                              the answer; it stays untouched
    g_kr(y) = tau_kr( f(A∘tau_kr, B)(y) )          estimates the same phi for every perturbation
    x_kr    = g_kr - phi_0                         what the nested estimator accumulates, mm

The order is that of a person waiting: the answer; the passes that a first provisional map takes;
then one pass in the other direction (for the inverse-consistency map); then the others.

An engine is iterated over: each step is one batch of passes, after which the caller may look at
a provisional outcome, stop (and keep what there is) or walk away (and lose nothing but time).
With a tolerance it stops by itself after the perturbation that brings the standard error of the
map below it, whatever the batches; passes of the same batch beyond that are thrown away.

When memory runs out, the batch is halved down to single passes; then the precision is reduced,
where the execution leaves that open; then the CPU goes on. All passes of a result, the unperturbed
one included, are of one precision: it moves the maps by a systematic amount, which would pass for
variance. What was made in another one is therefore made again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import DesignError, ModelError, ResourceError
from ..geometry import DeformableTransform
from ..models.contract import PreparedPair, RegistrationModel, encode_fixed
from ..perturbations import Action, Design, Noise
from ..variance import NestedVariance
from .convergence import ConvergenceMonitor
from .execution import Execution, Precision, is_out_of_memory, numerics
from .fields import in_mm, inverse_consistency, jacobian_determinant_mm
from .outcome import Outcome, transform_of
from .progress import Convergence, Phase, Progress

_Result = TypeVar("_Result")


class Engine:
    """One run of a design on a pair of images.

    Parameters
    ----------
    model
        The network; its plain prediction is the answer.
    pair
        From `model.prepare`.
    reverse_pass
        Spend one pass on the inverse-consistency map.
    full_covariance
        Accumulate 3x3 covariances and not only their traces.
    members
        Ensemble noise: the checkpoints that each pass draws from, with replacement, so that the
        replicates of a perturbation are independent draws, as the estimator assumes.
    observer
        Called with the index of every perturbed pass, from 0, and its offset g - phi_0,
        [3, D, H, W], mm in the moving world, on the device; it must not change it. Where the
        passes are made again in another precision, the index begins at 0 again.
    tolerance_mm
        Stop after the perturbation, the fourth or a later one, from which on the standard error
        of the map (see `Convergence`) is below this; the design's K is then the most that are
        made. None makes them all.

    Raises
    ------
    DesignError
        If the noise source does not exist for this network, the design cannot be drawn, or the
        tolerance is not above 0.
    ResourceError
        If the device is not available.
    """

    def __init__(
        self,
        model: RegistrationModel,
        pair: PreparedPair,
        design: Design,
        execution: Execution | None = None,
        reverse_pass: bool = True,
        full_covariance: bool = False,
        members: Sequence[RegistrationModel] = (),
        observer: Callable[[int, Tensor], None] | None = None,
        tolerance_mm: float | None = None,
    ) -> None:
        execution = execution or Execution()
        if tolerance_mm is not None and not 0 < tolerance_mm < math.inf:
            raise DesignError(
                f"The tolerance is {tolerance_mm} mm: no standard error can be below that."
                if tolerance_mm <= 0
                else f"The tolerance is {tolerance_mm} mm, which is no limit.",
                "Take a number above 0, or none to make all passes.",
            )
        if design.noise is Noise.DROPOUT and not model.has_dropout:
            raise DesignError(
                f"The model '{model.description.name}' has no dropout layers.",
                "Take --noise discretisation, which works for every network.",
            )
        if design.noise is Noise.ENSEMBLE and len(members) < 2:
            raise DesignError("Ensemble noise needs at least two checkpoints of the network.")
        self.model = model
        self.pair = pair
        self.design = design
        self.execution = execution
        self.draws = design.draw(pair.moving_lattice)
        self.members = tuple(members) if design.noise is Noise.ENSEMBLE else (model,)
        self.reverse_pass = reverse_pass
        self.full_covariance = full_covariance
        self.observer = observer
        self.tolerance_mm = tolerance_mm
        self._monitor = ConvergenceMonitor(pair.fixed, self.draws.spare_column())
        self._convergence: Convergence | None = None
        self._notes = list(pair.notes)
        self._prediction: Tensor | None = None
        self._inverse_consistency: Tensor | None = None
        self._variance: NestedVariance | None = None
        self._encoded_fixed: dict[int, Any] = {}
        self._seconds = 0.0
        self.precision = execution.precision
        self._use(execution.resolve_device())
        # the network's own noise is seeded pass by pass, so those passes go one at a time
        seeded = design.noise is not Noise.DISCRETISATION
        self._batch = 1 if seeded else execution.resolve_batch_size(self.device)

    @property
    def total(self) -> int:
        """Passes through the network in all."""
        return 1 + int(self.reverse_pass) + self.design.passes

    @property
    def perturbed(self) -> int:
        """Perturbed passes done."""
        return 0 if self._variance is None else self._variance.count

    @property
    def has_map(self) -> bool:
        """Whether two perturbations are complete, which a first map takes."""
        return self._variance is not None and self._variance.groups >= 2

    @property
    def converged(self) -> bool:
        """Whether the standard error is below the tolerance; False inside a perturbation."""
        return (
            self._variance is not None
            and self._variance.complete
            and self._convergence is not None
            and self._convergence.is_below(self.tolerance_mm)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know about the run so far."""
        return tuple(self._notes)

    def __iter__(self) -> Iterator[Progress]:
        """Make the passes that are still missing, reporting after each step.

        Raises
        ------
        ResourceError
            If memory runs out even for a single pass on the CPU.
        DesignError
            If an elastic perturbation folds.
        """
        began = loop_began = time.monotonic()
        earlier = self._seconds
        first = self._passes_made()

        def report(phase: Phase) -> Progress:
            now = time.monotonic()
            self._seconds = earlier + now - began
            done = self._passes_made()
            left = None
            if done > first and self.perturbed:
                left = (now - loop_began) / (done - first) * self._passes_left()
            return Progress(
                phase, done, self.total, self.perturbed, now - began, left, self._convergence
            )

        while not self._complete:
            if self._prediction is None:
                phase = Phase.REGISTERING
                if (prediction := self._attempt(self._predict_unperturbed)) is None:
                    continue
                self._answer_with(prediction)
                loop_began, first = time.monotonic(), self._passes_made()
            elif self._reverse_is_due:
                phase = Phase.INVERSE
                if (consistency := self._attempt(self._predict_reverse)) is None:
                    continue
                self._inverse_consistency = consistency
            else:
                phase = Phase.PERTURBING
                if (offsets := self._attempt(self._next_offsets)) is None:
                    continue
                self._accumulate(offsets)
            yield report(phase)

    @property
    def _complete(self) -> bool:
        return self._prediction is not None and self._enough and not self._reverse_is_missing

    @property
    def _enough(self) -> bool:
        return self.converged or self.perturbed >= self.design.passes

    @property
    def _reverse_is_missing(self) -> bool:
        return self.reverse_pass and self._inverse_consistency is None

    @property
    def _reverse_is_due(self) -> bool:
        """Whether its turn has come: after the passes that a first map takes."""
        return self._reverse_is_missing and (self.has_map or self._enough)

    def _passes_made(self) -> int:
        one_way = int(self._prediction is not None)
        other_way = int(self._inverse_consistency is not None)
        return one_way + other_way + self.perturbed

    def _passes_left(self) -> int:
        """Return how many passes are still to be made, as far as can be told."""
        left = self.design.passes - self.perturbed
        if self.converged:
            left = 0
        elif self._convergence is not None and self.tolerance_mm is not None:
            needed = self._convergence.still_needed(self.tolerance_mm)
            left = min(left, max(1, needed) * self.design.replicates)
        return left + int(self._reverse_is_missing)

    def _accumulate(self, offsets: list[Tensor]) -> None:
        if self._variance is None:
            shape = self.pair.fixed_lattice.array_shape
            self._variance = NestedVariance(
                shape, self.design.replicates, self.full_covariance, self.device
            )
        for offset in offsets:
            if self.observer is not None:
                self.observer(self.perturbed, offset)
            self._variance.add(offset)
            if self._variance.complete:
                self._convergence = self._monitor.assess(self._variance)
            if self.converged:
                return

    def run(self) -> Outcome:
        """Make all passes and return the outcome."""
        for _ in self:
            pass
        return self.outcome()

    def finish(self) -> Outcome:
        """Return the outcome, and let go of all that further passes would need.

        Raises
        ------
        ValueError
            As `outcome`.
        """
        outcome = self.outcome()
        self._prediction = self._inverse_consistency = self._variance = None
        self._prediction_mm = torch.empty(0)
        self._encoded_fixed.clear()
        return outcome

    def outcome(self) -> Outcome:
        """Return what has been found so far; may be asked at any time after the first step.

        Raises
        ------
        ValueError
            Before the unperturbed prediction is there.
        """
        if self._prediction is None:
            raise ValueError("There is no prediction yet.")
        moving, fixed = self.pair.moving_lattice, self.pair.fixed_lattice
        # copies: what a caller does to them must not reach back into the run
        prediction = self._prediction.cpu().clone()
        estimate = None
        if self._variance is not None and self._variance.groups >= 2:
            estimate = self._variance.estimate().cpu()
        consistency = self._inverse_consistency
        return Outcome(
            moving,
            fixed,
            prediction,
            jacobian_determinant_mm(prediction, moving, fixed),
            None if consistency is None else consistency.cpu().clone(),
            estimate,
            self.perturbed,
            self.design.passes,
            self._seconds,
            str(self.device),
            self.precision,
            self.notes,
            self._convergence,
            self.tolerance_mm,
        )

    def transform(self) -> DeformableTransform:
        """Return the unperturbed prediction as a transform, fixed world to moving world.

        Raises
        ------
        ValueError
            Before it is there.
        """
        if self._prediction is None:
            raise ValueError("There is no prediction yet.")
        lattices = self.pair.moving_lattice, self.pair.fixed_lattice
        return transform_of(self._prediction.cpu(), *lattices)

    def total_so_far(self) -> Tensor | None:
        """Return the map of total uncertainty as it stands, without the rest of an outcome.

        Returns
        -------
        Tensor or None
            [D, H, W] on the CPU and on the fixed lattice, mm: the root of the variance's trace,
            clamped at zero. None before two perturbations are complete.
        """
        if self._variance is None or self._variance.groups < 2:
            return None
        total = self._variance.estimate().traces().total
        return total.clamp_(min=0).sqrt_().nan_to_num_(0.0).cpu()

    # -- passes -------------------------------------------------------------------------------

    @torch.inference_mode()
    def _predict(self, model: RegistrationModel, moving: Tensor, fixed: Any) -> Tensor:
        with numerics(self.device, self.precision):
            answer = model.predict(moving, fixed).float()
        if not bool(torch.isfinite(answer).all()):
            raise ModelError(
                f"The network '{model.description.name}' answers NaN or infinite values "
                f"(in {self.precision.value}).",
                "Try --precision f32; check that the images are of the kind that it was trained "
                "on, and that the weights are its own.",
            )
        return answer

    @torch.inference_mode()
    def _predict_to_fixed(self, model: RegistrationModel, moving: Tensor) -> Tensor:
        """Register images [B, 1, D, H, W] to the fixed one, which is encoded once."""
        if id(model) not in self._encoded_fixed:
            with numerics(self.device, self.precision):
                self._encoded_fixed[id(model)] = encode_fixed(model, self._fixed)
        fixed = self._encoded_fixed[id(model)]
        if isinstance(fixed, Tensor):
            fixed = fixed.expand(len(moving), -1, -1, -1, -1)
        return self._predict(model, moving, fixed)

    def _predict_unperturbed(self) -> Tensor:
        return self._predict_to_fixed(self.model, self._moving)[0]

    def _predict_reverse(self) -> Tensor:
        if self._prediction is None:
            raise ValueError("There is no prediction yet.")
        backward = self._predict(self.model, self._fixed, self._moving)[0]
        moving, fixed = self.pair.moving_lattice, self.pair.fixed_lattice
        return inverse_consistency(self._prediction, backward, moving, fixed)

    @torch.inference_mode()
    def _next_offsets(self) -> list[Tensor]:
        """Make the next batch of perturbed passes; return g - phi_0 of each, [3, D, H, W], mm."""
        first = self.perturbed
        last = min(first + self._batch, self.design.passes)
        actions = self.draws.passes(first, last, self.device)
        self._tell_of_folding(actions)
        moving = torch.cat([action.warp(self._moving) for action in actions])
        predictions = self._with_noise(first, moving)
        return [
            action.compensate(prediction, self._to_mm).sub_(self._prediction_mm)
            for action, prediction in zip(actions, predictions, strict=True)
        ]

    def _with_noise(self, first: int, moving: Tensor) -> Tensor:
        """Predict a batch; where the network's own noise is wanted, with this pass's seed."""
        if self.design.noise is Noise.DISCRETISATION:
            return self._predict_to_fixed(self.model, moving)
        seed = int(self.draws.seeds.flat[first])
        if self.design.noise is Noise.ENSEMBLE:
            return self._predict_to_fixed(self.members[seed % len(self.members)], moving)
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            self.model.set_dropout(True)
            try:
                return self._predict_to_fixed(self.model, moving)
            finally:
                self.model.set_dropout(False)

    def _tell_of_folding(self, actions: list[Action]) -> None:
        if not self.design.allow_folding or any("fold" in note for note in self._notes):
            return
        folded = max(action.folded_fraction() for action in actions)
        if folded > 0:
            self._note(
                f"Perturbations of this design fold (the first that does, {folded:.1%} of the "
                "image); its variance contains what folding does to the images."
            )

    # -- memory and devices -------------------------------------------------------------------

    def _attempt(self, step: Callable[[], _Result]) -> _Result | None:
        """Do a step; when memory runs out, do it smaller.

        Returns
        -------
        Result or None
            None if the precision was changed and the run begins again with its first step.
        """
        precision = self.precision
        while self.precision is precision:
            try:
                return step()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                # its traceback would keep the failed step's tensors alive
                reason = error.with_traceback(None)
            self._shrink(reason)
        return None

    def _shrink(self, reason: BaseException) -> None:
        if self._batch > 1:
            self._batch //= 2
            self._note(f"Memory ran out; going on with {self._batch} pass(es) at once.")
        elif reduced := self._reduced_precision():
            self._note(
                f"Memory ran out on {self.device} even for a single pass in "
                f"{self.precision.value}; the whole run is made in {reduced.value}, "
                f"{self.perturbed} perturbed pass(es) of it for the second time."
            )
            self._begin_again_in(reduced)
        elif self.device.type != "cpu":
            self._note(f"Memory ran out on {self.device}; going on on the CPU.")
            if self.perturbed == 0 and self.precision is not self.execution.precision:
                self._begin_again_in(self.execution.precision)
                self._note(f"There, the whole run is made in {self.precision.value} after all.")
            self._use(torch.device("cpu"))
        else:
            raise ResourceError(
                "There is not enough memory for a single pass of this network.",
                "Close other programs, or use a network with a coarser lattice.",
            ) from reason
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _reduced_precision(self) -> Precision | None:
        """Return the precision that would need less memory; None where there is none to go to."""
        weightless = not self.model.description.needs_weights  # there are no layers to reduce
        if weightless or self.precision is not self.execution.precision:
            return None
        return self.execution.reduced_precision(self.device)

    def _begin_again_in(self, precision: Precision) -> None:
        """Go over to another precision: what was made in the old one must not mix with the new."""
        self.precision = precision
        self._prediction = self._inverse_consistency = self._variance = None
        self._convergence = None
        self._encoded_fixed.clear()
        self._monitor.begin_again()

    def _use(self, device: torch.device) -> None:
        """Move everything that the loop touches to a device."""
        self.device = device
        self._encoded_fixed.clear()
        for member in {id(m): m for m in (self.model, *self.members)}.values():
            member.place(device, self.execution.channels_last)
        self._moving = self.pair.moving.to(device)
        self._fixed = self.pair.fixed.to(device)
        to_mm = np.eye(4)  # no translation: offsets are differences, and small numbers keep digits
        to_mm[:3, :3] = self.pair.moving_lattice.linear
        self._to_mm = torch.from_numpy(to_mm)
        if self._prediction is not None:
            self._answer_with(self._prediction.to(device))
        if self._inverse_consistency is not None:
            self._inverse_consistency = self._inverse_consistency.to(device)
        if self._variance is not None:
            self._variance = NestedVariance.from_state(self._variance.state(), device)

    def _answer_with(self, prediction: Tensor) -> None:
        """Keep phi_0, in voxels as the answer and in mm as the origin of all offsets."""
        self._prediction = prediction
        self._prediction_mm = in_mm(prediction, self.pair.moving_lattice)

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    # -- resuming -----------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Return what a later session needs to go on, as tensors on the CPU."""
        state = {} if self._variance is None else self._variance.state() | self._monitor.state()
        if self._prediction is not None:
            state["prediction"] = self._prediction.cpu()
        if self._inverse_consistency is not None:
            state["inverse_consistency"] = self._inverse_consistency.cpu()
        return state

    def restore(self, state: dict[str, Tensor], precision: Precision | None = None) -> None:
        """Take up what `state` returned in an earlier session with the same fingerprint.

        Parameters
        ----------
        state
            From there.
        precision
            The session's `precision`, in which this one goes on; None takes the execution's.
        """
        self.precision = precision or self.execution.precision
        if "counts" in state:
            self._variance = NestedVariance.from_state(state, self.device)
            self._convergence = self._monitor.restore(state, self._variance)
        if "prediction" in state:
            self._answer_with(state["prediction"].to(self.device))
        if "inverse_consistency" in state:
            self._inverse_consistency = state["inverse_consistency"].to(self.device)

"""uniGradICON and multiGradICON (Apache-2.0), foundation models for any anatomy, CT or MRI.

Each image is normalised and resized on its own to 175 x 175 x 175 voxels, over its whole field of
view. What the two fields of view have to do with each other in the world is not seen: an initial
transform, or an alignment, changes nothing in what the network is shown.

The publisher feeds arrays as they are stored. The network was trained with both images turned
together, at random, into any of the 48 orders and directions of the axes, so that any order will
do, as long as the two images share it: the fixed image is taken as it is stored, and the moving
one is stored along the same axes before it is resized. For images that are stored alike, the usual
case, that changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ...errors import InputError
from ...geometry import Image, Matrix
from ..contract import NO_OPTIONS, ModelDescription, PreparedPair
from ..descriptions import MULTIGRADICON, UNIGRADICON
from ..manifest import FORWARD, AxisOrder, InputSpec, OutputSpec, Quantity, Unit
from ..networks.gradicon import PUBLISHED, Channels, GradICONNetwork
from ..weights.state_dicts import identify, load_strictly, read_state_dict
from .conventions import InVoxels
from .modality import Modality, normalised, recognise
from .network_model import NetworkModel
from .own_lattice import corresponding_directions, resized, stored_along
from .usable_images import refuse_unusable

#: In lengths of the lattice between its outermost voxel centres.
_ANSWERS = OutputSpec(Quantity.DISPLACEMENT, Unit.UNIT, AxisOrder.KJI, FORWARD, align_corners=True)


class UniGradICON(NetworkModel):
    """uniGradICON with weights from a local file.

    Parameters
    ----------
    weights
        The published `Step_2_final.trch`, or a file with the same tensors.
    options
        `fixed_modality`, `moving_modality`: "mri" or "ct"; "auto" asks the intensities. Once a
        pair is prepared, the attribute says what was taken.

    Raises
    ------
    ModelError
        If the weights are missing, damaged or another network's.
    """

    model: ClassVar[ModelDescription] = UNIGRADICON
    #: What an image is resized to, (D, H, W).
    shape: ClassVar[tuple[int, int, int]] = (175, 175, 175)
    channels: ClassVar[Channels] = PUBLISHED

    def __init__(self, weights: Path, options: Mapping[str, str] = NO_OPTIONS) -> None:
        network = GradICONNetwork(self.channels)
        load_strictly(network, read_state_dict(weights), weights)
        converted = InVoxels(network, InputSpec(), _ANSWERS)
        super().__init__(converted, self.model, identify(weights, self.model), options)
        self._asked = dict(self.options)

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Normalise and resize each image on its own; see `RegistrationModel.prepare`.

        Of `initial`, only how it turns matters: which axes of the moving image run along those
        of the fixed one.

        Raises
        ------
        InputError
            If an image is no volume, has no contrast, or, with "auto", if its intensities do not
            tell its modality.
        """
        refuse_unusable(fixed)
        refuse_unusable(moving)
        modalities = {
            option: self._modality(option, image)
            for option, image in (("fixed_modality", fixed), ("moving_modality", moving))
        }
        self.options = {option: modality.value for option, modality in modalities.items()}
        directions = corresponding_directions(fixed.lattice, initial)
        here = resized(normalised(fixed, modalities["fixed_modality"]), self.shape)
        there = resized(
            stored_along(normalised(moving, modalities["moving_modality"]), directions), self.shape
        )
        return PreparedPair(
            moving=there.intensities[None, None],
            fixed=here.intensities[None, None],
            moving_lattice=there.lattice,
            fixed_lattice=here.lattice,
        )

    def _modality(self, option: str, image: Image) -> Modality:
        asked = self._asked[option]
        found = recognise(image) if asked == "auto" else Modality(asked)
        if found is None:
            raise InputError(
                f"The intensities of {image.name} do not tell whether it is a CT or an MRI.",
                f"Say which: set {option} to ct or mri (--option {option}=ct).",
            )
        return found


class MultiGradICON(UniGradICON):
    """multiGradICON with weights from a local file; see `UniGradICON`.

    The same network, trained on pairs of different modalities as well.
    """

    model = MULTIGRADICON

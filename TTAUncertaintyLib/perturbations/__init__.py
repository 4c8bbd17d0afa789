"""What is done to the moving image: families, amplitudes, designs, and their exact actions.

Knows nothing of networks.
"""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .design import Design, Draws, Noise
from .designs import Sampling, design_points, hadamard_matrix
from .families import Amplitudes, Family, parameter_count
from .labels import pass_label
from .presets import PAPER_FAMILIES, Preset, paper_design, preset_design
from .request import DesignRequest

if TYPE_CHECKING:
    from .actions import Action, AffineAction, DisplacementAction, jacobian_determinant
    from .building import build_action
else:
    __getattr__ = lazily(__name__)

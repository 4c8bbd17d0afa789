"""Test-time uncertainty of learned image registration by transformation equivariance.

Source of the method: Tian, Hu, Iglesias, "Test-time Uncertainty Estimation for Medical Image
Registration via Transformation Equivariance", arXiv 2509.23355.
"""

from .version import __version__

__all__ = ["__version__"]

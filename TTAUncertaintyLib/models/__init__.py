"""What a registration network is, which ones there are, and one file per adapter.

Knows nothing of perturbations.
"""

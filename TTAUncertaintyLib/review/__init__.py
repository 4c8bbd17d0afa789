"""What a person reads off a map: foreground, statistics, hot spots. Pure arrays."""

from .foreground import foreground
from .hot_spots import HotSpot, find_hot_spots
from .statistics import RegionStatistics, region_statistics, root_mean_variance

__all__ = [
    "HotSpot",
    "RegionStatistics",
    "find_hot_spots",
    "foreground",
    "region_statistics",
    "root_mean_variance",
]

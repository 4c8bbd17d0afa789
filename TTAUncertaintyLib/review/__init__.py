"""What a person reads off a map, and decides: pure arrays, words and tables. No torch."""

from .foreground import foreground, foreground_of, region_of_statistics
from .hot_spots import (
    HotSpot,
    HotSpotRegions,
    as_recorded,
    hot_spot_regions,
    in_structures,
    with_reasons,
)
from .landmarks import LandmarkFinding, LandmarkPair, evaluate_landmarks, point_map
from .map_volume import MapVolume
from .matching import MatchedReview, ReviewedSpot, decide, match_verdicts
from .review_json import review_from_json, review_to_json
from .spread import (
    Contour,
    PrincipalAxes,
    direction_words,
    principal_axes,
    root_trace,
    spread_words,
)
from .statistics import RegionStatistics, region_statistics, root_mean_variance
from .structures import StructureStatistics, structure_statistics
from .table import Column, Table, csv_text, write_csv, write_whole
from .tables import hot_spot_table, landmark_table, structure_tables, verdict_counts
from .verdicts import PlaceVerdict, Review, Verdict

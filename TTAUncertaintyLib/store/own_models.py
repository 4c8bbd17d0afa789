"""The person's own models, installed with their manifests."""

from __future__ import annotations

from ..errors import ModelError
from ..models.manifest import read_manifest
from ..models.registry import MODELS, Entry
from .store import WeightsStore


def own_entries(store: WeightsStore | None = None) -> dict[str, Entry]:
    """Return the registry entries of installed models of one's own, by name.

    One whose manifest was changed after it was installed is left out: nobody agreed to what it
    says now. `models verify` tells of it.
    """
    store = store or WeightsStore()
    found = {}
    for each in store.all():
        name = each.record.model
        if name in MODELS:
            continue
        try:
            if store.intact_file(name) is None:
                continue
            about = read_manifest(each.path).description()
        except ModelError:
            continue
        found[name] = Entry(about, "", manifest=each.path, trusted=each.record.trusted)
    return found

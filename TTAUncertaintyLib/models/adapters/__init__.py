"""One file per kind of model: two images into what it wants, its answer into the agreed map.

Nothing is imported here: an adapter is loaded when its model is, by its name in the registry.
"""

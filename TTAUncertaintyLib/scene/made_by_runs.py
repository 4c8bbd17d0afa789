"""Which nodes of a scene runs have made: nobody means them when an input is to be chosen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .preview import preview_nodes
from .result import FIXED, MOVING, results_in


def made_by_runs(scene: Any, except_roles: Collection[str] = ()) -> set[str]:
    """Return the IDs of the nodes that belong to a result or a preview and are no inputs.

    Parameters
    ----------
    scene
        vtkMRMLScene.
    except_roles
        Roles of a result's nodes that do not count.
    """
    made = {str(node.GetID()) for node in preview_nodes(scene)}
    for result in results_in(scene):
        roles: list[str] = []
        result.node.GetNodeReferenceRoles(roles)
        for role in roles:
            node = None if role in (FIXED, MOVING, *except_roles) else result.reference(role)
            if node is not None:
                made.add(str(node.GetID()))
    return made

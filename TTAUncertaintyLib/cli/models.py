"""`ttauncertainty models`: which networks there are."""

from __future__ import annotations

import argparse

from ..errors import ModelError
from ..models import DEFAULT_MODEL, MODELS, ModelDescription


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("models", help="list the networks, or show one")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="one line each").set_defaults(do=do_list)
    show = actions.add_parser("show", help="everything about one")
    show.add_argument("name")
    show.set_defaults(do=do_show)


def do_list(_: argparse.Namespace) -> int:
    """List the models."""
    for name, entry in MODELS.items():
        where = "bundled" if entry.bundled else "needs --weights FILE"
        default = ", default" if name == DEFAULT_MODEL else ""
        print(f"{name:14} {entry.description.title} ({where}{default})")
        print(f"{'':14} {entry.description.purpose}")
    return 0


def _published(about: ModelDescription) -> str:
    if not about.needs_weights:
        return "none needed"
    return f"from {about.published.page}" if about.published else "a file of yours"


def do_show(options: argparse.Namespace) -> int:
    """Show one model."""
    if options.name not in MODELS:
        raise ModelError(
            f"There is no model '{options.name}'.", f"Choose one of {', '.join(MODELS)}."
        )
    entry = MODELS[options.name]
    about = entry.description
    rows = {
        "Name": about.name,
        "Title": about.title,
        "Purpose": about.purpose,
        "Licence": about.licence,
        "Cite": about.citation,
        "Lattice": f"{about.spacing_mm:g} mm" if about.spacing_mm else "follows from the images",
        "Pre-alignment": "affine, unless --prealign says otherwise"
        if about.expects_affine_alignment
        else "none needed",
        "Weights": str(entry.bundled()) if entry.bundled else _published(about),
        "SHA-256": (about.published and about.published.sha256) or "not pinned",
    }
    for option in about.options:
        rows[f"  {option.name}"] = f"{', '.join(option.choices)}: {option.help}"
    for key, value in rows.items():
        print(f"{key:14} {value}")
    return 0

"""`ttauncertainty models`: which networks there are, and their weights on this computer."""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from pathlib import Path

from ..api.catalogue import megabytes, models
from ..errors import ConsentNeeded, ModelError, TTAUncertaintyError
from ..humanize import about
from ..models import find_entry
from ..models.manifest import read_manifest
from ..models.own import is_manifest
from ..store import DownloadPhase, DownloadState, Installed, Verification, WeightsStore

_WIDTH = 96
_INTERVAL_S = 0.2

_INSTALL = """examples:
  ttauncertainty models install lapirn                      download from the publisher
  ttauncertainty models install lapirn --from LapIRN_disp_fea7.pth    without internet
  ttauncertainty models install my-network/model.json       a network of your own
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("models", help="the networks, and their weights here")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="one paragraph each").set_defaults(do=do_list)
    show = actions.add_parser("show", help="everything about one")
    show.add_argument("name", help="of a model, or the path of a manifest")
    show.set_defaults(do=do_show)
    install = actions.add_parser(
        "install",
        help="download weights, or take them from a file",
        epilog=_INSTALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    install.add_argument("name", help="of a model, or the path of a manifest (.json)")
    install.add_argument(
        "--from", dest="file", type=Path, metavar="FILE", help="take the weights from this file"
    )
    install.add_argument("--yes", action="store_true", help="agree to the licence shown")
    install.add_argument(
        "--trust-code", action="store_true", help="agree to run a network that is a program"
    )
    install.set_defaults(do=do_install)
    verify = actions.add_parser("verify", help="compare installed weights with their hashes")
    verify.add_argument("name", nargs="?", help="of one model (default: all that are installed)")
    verify.set_defaults(do=do_verify)
    remove = actions.add_parser("remove", help="remove installed weights")
    remove.add_argument("name")
    remove.set_defaults(do=do_remove)


def do_list(_: argparse.Namespace) -> int:
    """List the models."""
    found = models()
    column = max(len(name) for name in found) + 2
    for name, model in found.items():
        print(f"{name:{column}}{model.title} [{model.weights}]")
        indent = " " * column
        print(textwrap.fill(model.purpose, _WIDTH, initial_indent=indent,
                            subsequent_indent=indent))  # fmt: skip
    store = WeightsStore()
    total = sum(each.record.size_bytes for each in store.all())
    print(f"\nInstalled weights: {megabytes(total)} in {store.root}")
    return 0


def do_show(options: argparse.Namespace) -> int:
    """Show one model."""
    entry = find_entry(options.name)
    about, published = entry.description, entry.description.published
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
    }
    for option in about.options:
        rows[f"--option {option.name}"] = f"{', '.join(option.choices)}: {option.help}"
    if published is not None:
        rows["Published at"] = published.page
        rows["File"] = published.name + (
            f", {megabytes(published.size_bytes)}" if published.size_bytes else ""
        )
        rows["Its SHA-256"] = published.sha256 or "not given; that of the first download is kept"
    installed = WeightsStore().installed(about.name)
    if entry.bundled:
        rows["Weights"] = str(entry.bundled())
    elif not about.needs_weights:
        rows["Weights"] = "none needed"
    elif installed is None:
        manifest = entry.manifest is not None
        rows["Weights"] = f"named by {entry.manifest}" if manifest else "not installed"
    else:
        rows |= _installed_rows(installed)
    _print_rows(rows)
    return 0


def _installed_rows(installed: Installed) -> dict[str, str]:
    record = installed.record
    rows = {
        "Weights": f"{installed.path}, {megabytes(record.size_bytes)}",
        "Installed": f"{record.installed}, from {record.source}",
        "SHA-256": f"{record.source_sha256} ({record.origin.words})",
    }
    if record.sha256 != record.source_sha256:
        rows["Converted"] = f"SHA-256 {record.sha256}"
    if not record.checked:
        rows["Checked"] = "not yet: PyTorch is not installed; they are when they are loaded"
    if record.trusted:
        rows["Code"] = "you agreed to run it"
    return rows


def do_install(options: argparse.Namespace) -> int:
    """Install weights, or a model of one's own."""
    store = WeightsStore()
    if is_manifest(options.name):
        return _install_own(store, Path(options.name), options)
    entry = find_entry(options.name)
    about = entry.description
    if entry.bundled is not None:
        raise ModelError(f"The weights of {about.title} are bundled: there is nothing to install.")
    if not about.needs_weights:
        raise ModelError(f"{about.title} needs no weights: there is nothing to install.")
    _print_rows({"Model": about.title, "Licence": about.licence, "Cite": about.citation})
    if options.file is not None:
        _tell(store.install_file(options.name, options.file))
        return 0
    if not _agreed("Download these weights under this licence?", options.yes, "--yes"):
        return 130
    state = _watch(store, options.name)
    if state.phase is DownloadPhase.STOPPED:
        print("stopped; the next download goes on from here", file=sys.stderr)
        return 130
    if state.phase is not DownloadPhase.INSTALLED:
        raise ModelError(state.problem, state.remedy)
    installed = store.installed(options.name)
    if installed is not None:
        _tell(installed)
    return 0


def _install_own(store: WeightsStore, manifest: Path, options: argparse.Namespace) -> int:
    about = read_manifest(manifest)
    _print_rows({"Model": about.title, "Licence": about.licence, "Cite": about.citation})
    try:
        installed = store.install_own(manifest, options.trust_code)
    except ConsentNeeded as error:
        _print_rows({"Program": str(error.file), "SHA-256": error.sha256})
        print(error.problem)
        if not _agreed(
            "It runs with all that you may do here. Install and run it?", False, "--trust-code"
        ):
            return 130
        installed = store.install_own(manifest, trust_code=True)
    _tell(installed)
    print(f"Use it with --model {about.name}")
    return 0


def _watch(store: WeightsStore, name: str) -> DownloadState:
    """Download with a line of progress; Ctrl-C stops, and keeps what came."""
    download = store.download(name)
    shows = sys.stderr.isatty()
    try:
        while not (state := download.state).phase.is_end:
            if shows:
                print(f"\r{_progress(state):{_WIDTH}}", end="", file=sys.stderr, flush=True)
            time.sleep(_INTERVAL_S)
    except KeyboardInterrupt:
        download.cancel()
        state = download.wait()
    if shows:
        print(f"\r{'':{_WIDTH}}\r", end="", file=sys.stderr)
    return state


def _progress(state: DownloadState) -> str:
    if state.phase is DownloadPhase.CHECKING:
        return "checking what came"
    text = megabytes(state.done_bytes)
    if state.total_bytes:
        text = f"{state.fraction:4.0%}  {text} of {megabytes(state.total_bytes)}"
    if state.seconds_left is not None:
        text += f", about {about(state.seconds_left)} left"
    return text


def do_verify(options: argparse.Namespace) -> int:
    """Compare installed weights with their hashes; status 3 if any differ."""
    store = WeightsStore()
    names = [options.name] if options.name else store.names()
    if not names:
        print("No weights are installed.")
    failed = 0
    for name in names:
        found = store.verify(name)
        print(f"{name}: {found.value}")
        failed += found is not Verification.INTACT
    if failed:
        raise ModelError(
            "What is not intact is refused when it is to be loaded.",
            "Remove it and install it again.",
        )
    return 0


def do_remove(options: argparse.Namespace) -> int:
    """Remove a model's weights."""
    freed = WeightsStore().remove(options.name)
    print(f"{options.name}: removed, {megabytes(freed)}")
    return 0


def _tell(installed: Installed) -> None:
    _print_rows(_installed_rows(installed))


def _agreed(question: str, already: bool, option: str) -> bool:
    """Ask; where nobody can answer, nobody agreed.

    Raises
    ------
    TTAUncertaintyError
        If there is nobody to ask.
    """
    if already:
        return True
    if not sys.stdin.isatty():
        raise TTAUncertaintyError(
            f"{question} There is nobody to ask.", f"If you agree, say so with {option}."
        )
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _print_rows(rows: dict[str, str]) -> None:
    column = max(16, *(len(key) + 2 for key in rows))
    for key, value in rows.items():
        print(textwrap.fill(value, _WIDTH, initial_indent=f"{key:{column}}",
                            subsequent_indent=" " * column, break_long_words=False,
                            break_on_hyphens=False))  # fmt: skip

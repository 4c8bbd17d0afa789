"""The page: bar, panels and views, and what is said over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.ui.html import DivLayout
from trame.ui.vuetify3 import VAppLayout
from trame.widgets import html
from trame.widgets import vuetify3 as v3

if TYPE_CHECKING:
    from .viewer import Viewer

_PANELS = (
    ("map", "Map", "mdi-layers-outline"),
    ("review", "Review", "mdi-clipboard-check-outline"),
    ("teach", "Teach", "mdi-play-box-outline"),
    ("run", "Run", "mdi-rocket-launch-outline"),
    ("work", "List", "mdi-format-list-numbered"),
)


class Page:
    """Writes the page."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        with VAppLayout(viewer.server, theme=("dark ? 'dark' : 'light'",)):
            self._bar()
            self._drawer()
            with v3.VMain(style="height: 100vh"), html.Div(classes="tta-main"):
                with html.Div(v_if="has_result", style="width: 100%; height: 100%"):
                    viewer.views.build()
                self._welcome()
                self._over()
            self._keys()
        # trame's name for what stands in place of the page when the connection is lost
        with DivLayout(viewer.server, template_name="error", classes="tta-lost"):
            html.H1("No connection to the viewer")
            html.P("Trying again every second; the page comes back by itself.")
            html.P(
                "If you ended it, your reviews are kept. Start it again and open the new address."
            )

    def _bar(self) -> None:
        viewer = self._viewer
        with v3.VAppBar(height=46, elevation=1):
            v3.VAppBarNavIcon(click="drawer = !drawer", size="small", aria_label="Panel")
            html.Div("TTAUncertainty", classes="font-weight-bold mr-4 d-none d-md-block")
            with html.Div(v_if="work.table.rows.length > 1", classes="d-flex align-center mr-3"):
                _icon(
                    "mdi-chevron-left",
                    "Previous result ([)",
                    (viewer.work.controls.step, "[-1]"),
                    "work-prev",
                )
                html.Span(
                    "{{ work.place }}",
                    classes="tta-bar-title tta-work-place",
                )
                _icon(
                    "mdi-chevron-right",
                    "Next result (])",
                    (viewer.work.controls.step, "[1]"),
                    "work-next",
                )
            with html.Div(style="min-width: 0; flex: 1"):
                html.Div("{{ result_title }}", classes="tta-bar-title font-weight-medium tta-title")
                html.Div("{{ result_facts }}", classes="tta-bar-title tta-small")
            with v3.VBtnToggle(
                v_model=("map_layout",),
                mandatory=True,
                density="compact",
                variant="outlined",
                divided=True,
                classes="mx-3 tta-layout",
                style="height: 32px",
            ):
                for value, icon, title in (
                    ("four-up", "mdi-view-grid-outline", "Axial, sagittal, coronal and 3D"),
                    ("side-by-side", "mdi-view-week-outline", "Fixed, warped and map side by side"),
                ):
                    with v3.VBtn(value=value, size="small", title=title, aria_label=title):
                        v3.VIcon(icon)
            _icon("mdi-keyboard-outline", "Keys (?)", "keys_shown = true", "keys-button")
            _icon("mdi-theme-light-dark", "Light or dark", "dark = !dark", "theme-button")

    def _drawer(self) -> None:
        viewer = self._viewer
        with v3.VNavigationDrawer(
            v_model=("drawer",), width=372, permanent=True, disable_resize_watcher=True
        ):
            with v3.VTabs(
                v_model=("panel",), grow=True, height=54, color="primary", show_arrows=False
            ):
                for value, title, icon in _PANELS:
                    v3.VTab(
                        title,
                        value=value,
                        prepend_icon=icon,
                        stacked=True,
                        size="x-small",
                        classes=f"tta-tab-{value}",
                        style="min-width: 60px; text-transform: none; letter-spacing: 0",
                    )
            v3.VDivider()
            with v3.VAlert(
                v_if="problem",
                type="error",
                variant="tonal",
                density="compact",
                closable=True,
                close_label="Dismiss",
                classes="ma-3 tta-problem",
                click_close="problem = ''",
            ):
                html.Div("{{ problem }}", classes="font-weight-medium")
                html.Div("{{ remedy }}", classes="tta-small")
            for value, panel in (
                ("map", viewer.map),
                ("review", viewer.review),
                ("teach", viewer.teaching),
            ):
                with html.Div(v_if=f"panel === '{value}'"):
                    with html.Div(v_if="result_title"):
                        panel.build()
                    html.Div(
                        "There is no result yet: run a registration, or name a result folder when "
                        "you start the viewer.",
                        v_if="!result_title",
                        classes="tta-panel tta-small",
                    )
            with html.Div(v_if="panel === 'run'"):
                viewer.run.build()
            with html.Div(v_if="panel === 'work'"):
                viewer.work.build()

    def _welcome(self) -> None:
        with (
            html.Div(v_if="!has_result && !busy && !running", classes="tta-welcome"),
            html.Div(classes="card"),
        ):
            html.H1("Where is this registration not to be trusted?")
            html.P(
                "A network that registers two images should give the same answer when one of them "
                "is shifted or turned a little and the shift is taken back. Where it does not, it "
                "contradicts itself. This page shows where, in millimetres, over the image."
            )
            with html.Div(classes="d-flex ga-3 mb-5"):
                v3.VBtn(
                    "Try it on the bundled brains",
                    click=self._viewer.run.start_bundled,
                    color="primary",
                    size="large",
                    prepend_icon="mdi-play",
                    classes="tta-try",
                )
                v3.VBtn(
                    "Use my own images",
                    click="panel = 'run'; run_pair = 'own'; drawer = true",
                    variant="outlined",
                    size="large",
                    classes="tta-own",
                )
            with html.P():
                html.Span("To open results that you have:")
                html.Code("ttauncertainty view RESULT …")
            html.P(
                "Everything stays on this computer. For research; not a medical device.",
                classes="tta-small",
            )

    def _over(self) -> None:
        busy = "busy || (writing ? 'Writing the review…' : '')"
        with html.Div(v_if=busy, classes="tta-over"), html.Div(classes="inside"):
            v3.VProgressCircular(indeterminate=True, size=28, width=3)
            html.Span(f"{{{{ {busy} }}}}")
        with (
            html.Div(v_if="running && !has_result && !busy", classes="tta-over"),
            html.Div(classes="inside"),
        ):
            v3.VProgressCircular(indeterminate=True, size=28, width=3)
            html.Span("{{ run_view.phase }} The first picture comes with the registration.")
        html.Div("{{ live }}", v_if="live", classes="tta-note tta-live")
        html.Div(
            "{{ map_view.turn === 'fixed' ? 'Fixed' : 'Warped' }}",
            v_if="map_view.turn && !live",
            classes="tta-note",
        )

    def _keys(self) -> None:
        with (
            v3.VDialog(v_model=("keys_shown",), max_width=460),
            v3.VCard(title="Keys", classes="pa-2 tta-keys-card"),
            v3.VCardText(),
            html.Table(classes="tta-keys"),
            html.Tr(v_for="(row, n) in keys", key="n"),
        ):
            with html.Td():
                html.Kbd("{{ row.key }}")
            html.Td("{{ row.does }}")


def _icon(icon: str, title: str, click: object, name: str) -> None:
    v3.VBtn(
        icon=icon,
        title=title,
        aria_label=title,
        click=click,
        size="small",
        variant="text",
        classes=f"tta-{name}",
    )

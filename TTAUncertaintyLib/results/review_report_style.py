"""What the review report adds to the style of the result's report."""

from __future__ import annotations

REVIEW_STYLE = """
:root{--accept:#1d7a4c;--check:#9a6200;--reject:#b3261e;--open:#646973}
@media (prefers-color-scheme:dark){:root{--accept:#5fc892;--check:#e3ab4a;--reject:#f28b82;
--open:#a2a6b0}}
.verdict{display:inline-flex;align-items:center;gap:.45em;font-weight:620;white-space:nowrap;
color:var(--open)}
.verdict i{font-style:normal;display:inline-grid;place-content:center;width:1.35em;height:1.35em;
border-radius:50%;background:currentColor;flex:none}
.verdict i b{color:var(--paper);font-size:.82em;line-height:1}
.verdict.accept{color:var(--accept)}.verdict.check{color:var(--check)}
.verdict.reject{color:var(--reject)}
.decision{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1.6rem;align-items:center;
background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem 1.2rem;
margin:.4rem 0 1rem;max-width:92ch}
.decision .verdict{font-size:1.35rem}
.words{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
.views{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}
.views.small{grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}
figure.view{display:block;break-inside:avoid}
.view img{display:block;width:100%;height:auto;border-radius:4px;background:#000}
.view figcaption{padding-top:.35rem;display:flex;flex-wrap:wrap;gap:.1rem .8rem;
justify-content:space-between}
.numbers.full{max-width:none}
.numbers .left,.numbers thead th.left:not(:first-child){text-align:left}
.numbers td,.numbers th{vertical-align:top}
.numbers td{white-space:nowrap}
.numbers td.comment{white-space:pre-wrap;overflow-wrap:anywhere;min-width:12rem;max-width:34rem}
.numbers tbody th{overflow-wrap:anywhere}
.numbers .rank{vertical-align:middle}
.numbers tfoot td,.numbers tfoot th{border-bottom:0;color:var(--soft)}
.over{font-weight:650}
h3.after{margin-top:1.4rem}p.after{margin-top:1.1rem}
@media print{:root{--accept:#17603c;--check:#7a4e00;--reject:#8c1d18;--open:#444}
.decision{break-inside:avoid}.views{grid-template-columns:repeat(2,1fr)}
.numbers{font-size:8.6pt}.numbers td,.numbers th{padding:.25rem .5rem .25rem 0}}
"""

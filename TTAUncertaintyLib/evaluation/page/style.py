"""What the page of an evaluation adds to the style of a result's report."""

from __future__ import annotations

#: Colours that methods are told apart by; as many as there are variables --series-n.
SERIES = 6

PAGE_STYLE = """
:root{--series-1:#7a2f8f;--series-2:#1f77b4;--series-3:#c8541f;--series-4:#2a8a57;
--series-5:#a87a00;--series-6:#c2397d;--rest:#b9b4bf}
@media (prefers-color-scheme:dark){:root{--series-1:#d9a2ea;--series-2:#6fb6ee;--series-3:#f2946a;
--series-4:#63c893;--series-5:#dcb548;--series-6:#f183b8;--rest:#565a66}}
.plots{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.4rem 2.4rem;
margin:1rem 0 1.3rem;align-items:start}
figure.plot{display:block;background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.8rem 1rem .7rem}
figure.plot.narrow{max-width:32rem}
.plot h3{margin:0 0 .1rem}
.plot figcaption{font-size:.86rem}
.plot svg{display:block;width:100%;height:auto;overflow:visible;margin-top:.5rem}
.plot text{font-size:12.5px;fill:var(--soft);font-variant-numeric:tabular-nums}
.plot .axis-title{fill:var(--ink)}
.plot .grid-line{stroke:var(--line);stroke-width:1;fill:none}
.plot .frame{stroke:var(--soft);stroke-width:1;fill:none}
.plot .front{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:5 4;fill:none;opacity:.7}
.plot .ideal{stroke:var(--ink);stroke-width:1.4;stroke-dasharray:2 4;stroke-linecap:round;
fill:none}
.plot .chance{stroke:var(--soft);stroke-width:1;stroke-dasharray:6 4;fill:none}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke:var(--series)}
.line.rest{stroke:var(--rest);stroke-width:1.2}
.interval{stroke:var(--series);stroke-width:1.6;fill:none;opacity:.75}
.interval.rest{stroke:var(--rest)}
.dot{fill:var(--series);stroke:var(--card);stroke-width:1.5}
.dot.rest{fill:var(--rest)}
.dot.on-front{stroke:var(--ink);stroke-width:2}
.plot .number{font-size:10.5px;font-weight:650;fill:var(--card);text-anchor:middle}
.plot .number.rest{fill:var(--ink)}
.series-1{--series:var(--series-1)}.series-2{--series:var(--series-2)}
.series-3{--series:var(--series-3)}.series-4{--series:var(--series-4)}
.series-5{--series:var(--series-5)}.series-6{--series:var(--series-6)}
.series-list{list-style:none;margin:.6rem 0 0;padding:0;display:grid;gap:.12rem 1.4rem;
grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));font-size:.88rem}
.plot p{margin:.7rem 0 0;font-size:.88rem}
.series-list li{display:flex;gap:.55rem;align-items:baseline}
.swatch-line{flex:none;width:1.5rem;height:0;border-top:3px solid var(--series);
transform:translateY(-.25em)}
.swatch-line.rest{border-top:3px solid var(--rest)}
.swatch-line.ideal{border-top:3px dotted var(--ink)}
.badge{display:inline-grid;place-content:center;min-width:1.6em;height:1.6em;border-radius:.8em;
font-size:.78rem;font-weight:650;background:var(--series);color:var(--card);padding:0 .35em}
.badge.rest{background:var(--rest);color:var(--ink)}
.numbers.full{max-width:none}
.numbers td.words{text-align:left}
.numbers thead th.words:not(:first-child){text-align:left}
.numbers tbody th{font-weight:400;vertical-align:top}
.numbers td{white-space:nowrap;vertical-align:top}
.numbers td small{display:block;line-height:1.2}
.numbers .best{font-weight:700;color:var(--accent)}
.numbers tr.on-front tbody th,.numbers tr.on-front th{font-weight:650}
.command{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--card);
border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;margin:.2rem 0 .8rem;
font:.86rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.metrics{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1.2rem;margin:.8rem 0 0;
font-size:.88rem;max-width:92ch}
.metrics dt{font-size:.88rem;color:var(--ink);font-weight:600}
.metrics dd{color:var(--soft)}
table+.hint,.wide+.hint{margin-top:.7rem}
h3.after{margin-top:1.6rem}
@media (max-width:900px){.plots{grid-template-columns:1fr}}
@media print{:root{--series-1:#7a2f8f;--series-2:#1f77b4;--series-3:#c8541f;--series-4:#2a8a57;
--series-5:#a87a00;--series-6:#c2397d;--rest:#b9b4bf}
figure.plot{break-inside:avoid}.numbers{font-size:8.6pt}
.numbers td,.numbers th{padding:.25rem .5rem .25rem 0}}
"""

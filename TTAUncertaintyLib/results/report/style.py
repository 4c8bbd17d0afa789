"""The style sheet of the report: light, dark, and on paper."""

from __future__ import annotations

STYLE = """
:root{--paper:#faf9f7;--card:#fff;--ink:#1e2026;--soft:#5d626d;--line:#e3e0da;--accent:#7a2f8f;
--note:#fff6e3;--note-line:#d99a2b;--mark:#a39cae;--intrinsic:#3b82b8;--jitter:#b6488f}
@media (prefers-color-scheme:dark){:root{--paper:#131418;--card:#1b1d22;--ink:#e9e7e3;
--soft:#a2a6b0;--line:#30333b;--accent:#d9a2ea;--note:#2a2418;--note-line:#c9912f;--mark:#837c92;
--intrinsic:#5fa3d6;--jitter:#d873b2}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:1360px;margin:0 auto;padding:2.6rem clamp(1.2rem,3vw,3rem) 3rem}
.definitions{position:absolute}
h1{font-size:clamp(1.6rem,2.6vw,2.2rem);line-height:1.2;margin:.1rem 0 1.2rem;font-weight:650;
letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font-size:1.35rem;line-height:1.25;margin:0 0 .5rem;font-weight:650;letter-spacing:-.01em}
h3{font-size:1.02rem;line-height:1.3;margin:0 0 .3rem;font-weight:650}
p{margin:0 0 .7rem}
small{font-size:.78rem;font-weight:400;color:var(--soft)}
a{color:var(--accent)}
.kicker{color:var(--accent);font-size:.8rem;font-weight:650;letter-spacing:.09em;
text-transform:uppercase;margin:0}
.onto{font-weight:400;color:var(--soft)}
header{border-bottom:1px solid var(--line);padding-bottom:1.1rem}
header .facts{display:flex;flex-wrap:wrap;gap:.5rem 2.4rem;margin:0}
dt{color:var(--soft);font-size:.8rem}
dd{margin:0;overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;padding:.8rem 0 0;font-size:.9rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
section{padding-top:2.4rem}
.lead{max-width:78ch;color:var(--soft)}
.hint{max-width:78ch;color:var(--soft);font-size:.86rem;line-height:1.5}
.reading{max-width:82ch;font-size:1.08rem;line-height:1.6}
.cautions{list-style:none;margin:1rem 0;padding:0;max-width:92ch}
.cautions li{background:var(--note);border-left:4px solid var(--note-line);padding:.55rem .9rem;
margin:.4rem 0;border-radius:0 6px 6px 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.8rem;
margin:1.3rem 0 0}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.7rem .95rem;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.figures+.hint{margin-top:.9rem}
.figures dd{font-size:1.5rem;line-height:1.25;font-weight:620;font-variant-numeric:tabular-nums}
.grid{display:grid;gap:6px;align-items:start}
.columns-5{grid-template-columns:repeat(5,minmax(0,1fr))}
.columns-4{grid-template-columns:repeat(4,minmax(0,1fr));max-width:1120px}
.columns-3{grid-template-columns:repeat(3,minmax(0,1fr));gap:1rem 1.4rem}
.head{font-weight:620;align-self:end;line-height:1.3;padding:.3rem 0 .1rem}
.head small{display:block}
.picture{display:block;width:100%;height:auto;background:#000;border-radius:4px}
.picture text{font-family:inherit;fill:#f4f4f2;stroke:#000;stroke-width:calc(var(--unit)*3);
paint-order:stroke;stroke-linejoin:round;stroke-opacity:.75}
.letter{font-size:calc(var(--unit)*12);font-weight:600}
.bar-length{font-size:calc(var(--unit)*10.5)}
.bar{stroke:#f4f4f2;stroke-width:calc(var(--unit)*2.2);fill:none}
.cross{stroke:#7fe3ff;stroke-width:calc(var(--unit)*.9);stroke-opacity:.8;fill:none}
.under{opacity:.72}
.picture:hover .under{opacity:1}
.instead{opacity:0}
.picture:hover .instead{opacity:1}
.picture:hover .colors{opacity:0}
.below{display:grid;grid-template-columns:minmax(19rem,27rem) 1fr;gap:.4rem 2rem;
align-items:center;margin-top:1rem}
.below .hint{margin:0}
.legend svg{display:block;width:100%;height:auto;overflow:visible}
.legend text{font-size:13px;fill:var(--ink);font-variant-numeric:tabular-nums}
.legend .tick{stroke:var(--soft);fill:none}
.legend-title{margin:0 0 .25rem;font-size:.9rem;font-weight:620}
.unit{font-weight:400;color:var(--soft)}
.distribution{fill:var(--mark);opacity:.75}
.legend-title{display:flex;flex-wrap:wrap;gap:0 .4rem}
.key{margin-left:auto;font-weight:400;font-size:.82rem;color:var(--soft)}
.key i,.swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.45em;
vertical-align:-.06em}
.outside{border:1.5px solid;background:repeating-linear-gradient(135deg,currentColor 0 1.5px,
transparent 1.5px 4px)}
.swatch.intrinsic{background:var(--intrinsic)}.swatch.bias,.swatch.jitter{background:var(--jitter)}
.place{display:grid;grid-template-columns:11.5rem 1fr 1fr;gap:1.2rem;align-items:center;
background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;
margin:.7rem 0}
.place h3{font-size:1.25rem;margin:0 0 .35rem;display:flex;align-items:center;gap:.55rem}
.rank{font-size:.85rem;width:1.65rem;height:1.65rem;border-radius:50%;background:var(--accent);
color:var(--paper);display:inline-grid;place-content:center}
.place dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem .7rem;margin:0;font-size:.88rem}
.place dt{font-size:.82rem;padding-top:.05rem}
figure{margin:0;display:grid;grid-template-columns:repeat(3,1fr);gap:4px}
figcaption{grid-column:1/-1;color:var(--soft);font-size:.82rem}
.terms{display:grid;grid-template-columns:1.25fr 1fr;gap:1rem 3rem;align-items:start;
margin-bottom:1rem}
.terms h3{margin-top:.1rem}
.meanings{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1.2rem;margin:0}
.meanings dt{font-size:1rem;font-weight:620;color:var(--ink)}
.legends{margin-top:.9rem;align-items:end}
.legends .legend:first-child{grid-column:span 3}
.shares{display:block;width:100%;height:18px;border-radius:4px;margin:.3rem 0 .6rem}
.shares .intrinsic{fill:var(--intrinsic)}.shares .jitter{fill:var(--jitter)}
.cue{display:grid;grid-template-columns:minmax(15rem,1.05fr) repeat(3,1fr);gap:6px;
align-items:center;margin:1.1rem 0}
.cue>div{padding-right:1.2rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.numbers{width:100%;max-width:62rem}
.numbers th{text-align:left;font-weight:600}
.numbers thead th{color:var(--soft);font-weight:400;font-size:.84rem}
.numbers td,.numbers th{padding:.38rem .8rem .38rem 0;border-bottom:1px solid var(--line)}
.numbers td,.numbers thead th:not(:first-child){text-align:right}
.terms .numbers{font-size:.92rem;margin-bottom:.7rem}
#numbers .hint{margin-top:.7rem}
details{border-top:1px solid var(--line);padding:.55rem 0}
details:last-of-type{border-bottom:1px solid var(--line);margin-bottom:1rem}
summary{cursor:pointer;font-weight:600}
.record{display:grid;grid-template-columns:13rem 1fr;gap:.25rem 1rem;margin:.6rem 0 .4rem;
font-size:.92rem}
.record dt{font-size:.92rem}
.matrix td{padding:.12rem 1.3rem .12rem 0;text-align:right;font-size:.88rem}
footer{margin-top:2.4rem;color:var(--soft);font-size:.84rem}
@media (max-width:1020px){.place{grid-template-columns:11.5rem 1fr 1fr;gap:.8rem}
.figures{grid-template-columns:repeat(3,1fr)}
.below{grid-template-columns:1fr}
.cue{grid-template-columns:repeat(3,1fr)}.cue>div{grid-column:1/-1}
.terms{grid-template-columns:1fr}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--accent:#5a1f6d;
--note:#fff6e3;--mark:#aaa;--intrinsic:#3b82b8;--jitter:#b6488f}
@page{margin:12mm}
body{font-size:10.5pt}main{padding:0;max-width:none}nav,.screen{display:none}
section{padding-top:1.2rem}.cue,.place,.figures,.grid,tr{break-inside:avoid}
h2,h3,.lead{break-after:avoid}
.cue{grid-template-columns:repeat(3,1fr)}.cue>div{grid-column:1/-1}}
"""

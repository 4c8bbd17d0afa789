// The page of a study: a table whose rows exist only while they are seen, and plots of its columns.
const study = JSON.parse(document.getElementById("content").textContent);
const columns = study.columns;
const count = columns.pair.length;
const folder = n => `pairs/${encodeURIComponent(columns.pair[n])}`;
const report = n => `${folder(n)}/${study.bundle}/report.html`;
const escaped = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
const shown = value => value === null ? "" : Number.isInteger(value) ? `${value}` : value.toPrecision(3);
const rows = Array.from({ length: count }, (_, n) => [n]);

function titleOf(n) {
  const name = escaped(columns.pair[n]);
  const flag = columns.flags[n] ? `<span class="flag" title="${escaped(columns.flags[n])}">flag</span>` : "";
  return columns.state[n] === "done" ? `<a href="${report(n)}">${name}</a>${flag}` : `${name}${flag}`;
}

function pictureOf(n) {
  if (columns.state[n] !== "done") return `<div class="thumb none">${columns.state[n]}</div>`;
  return `<a href="${report(n)}"><img class="thumb" loading="lazy" src="${folder(n)}/${study.picture}"
    alt="fixed image, warped image, map, in the slice through the worst place"
    onerror="this.replaceWith(Object.assign(document.createElement('div'),{className:'thumb none',textContent:'no picture'}))"></a>`;
}

const definitions = [
  { title: "Fixed · warped · map", className: "worst", type: "string", orderable: false, searchable: false, render: (_, kind, row) => kind === "display" ? pictureOf(row[0]) : "" },
  { title: "Pair", className: "pair", type: "string", render: (_, kind, row) => kind === "display" ? titleOf(row[0]) : columns.pair[row[0]] },
  { title: "Group", className: "group", type: "string", render: (_, kind, row) => kind === "display" ? escaped(columns.group[row[0]]) : columns.group[row[0]] },
  { title: "State", className: "state", type: "string", render: (_, kind, row) => columns.state[row[0]] },
  ...study.measures.map(measure => ({
    title: `<span title="${escaped(measure.meaning)}">${escaped(measure.title)}</span>`,
    type: "num",
    className: "measure dt-right",
    searchable: false,
    orderSequence: measure.sign < 0 ? ["asc", "desc"] : ["desc", "asc"],
    render: (_, kind, row) => {
      const value = columns[measure.key][row[0]];
      if (kind === "display") return shown(value);
      // pairs without a value come last, whichever way is worse
      return value === null ? -measure.sign * 1e300 : value;
    },
  })),
].map(column => ({ data: null, defaultContent: "", ...column }));
const grouped = columns.group.some(name => name);
if (!grouped) definitions.splice(2, 1);
const worst = study.measures.findIndex(measure => measure.key === study.worst);

const chosen = id => document.getElementById(id);
DataTable.ext.search.push((settings, _cells, index) => {
  if (settings.nTable.id !== "pairs") return true;
  if (chosen("group").value !== "" && columns.group[index] !== chosen("group").value.slice(1)) return false;
  if (chosen("state").value !== "" && columns.state[index] !== chosen("state").value) return false;
  return !(chosen("flagged").checked && !columns.flags[index]);
});

function offer(select, values, all) {
  select.append(new Option(all, ""));
  for (const value of [...new Set(values)].sort()) {
    select.append(new Option(value || "(none)", select.id === "group" ? `=${value}` : value));
  }
}
offer(chosen("group"), columns.group, "all");
chosen("group").parentElement.hidden = !grouped;
offer(chosen("state"), columns.state, "all");

const table = new DataTable("#pairs", {
  data: rows,
  columns: definitions,
  order: worst < 0 ? [[1, "asc"]] : [[definitions.length - study.measures.length + worst, study.measures[worst].sign < 0 ? "asc" : "desc"]],
  deferRender: true,
  scroller: { rowHeight: 92, displayBuffer: 3 },
  scrollY: Math.max(280, Math.min(620, 94 * count + 20)),
  scrollX: true,
  autoWidth: false,
  layout: { topStart: null, topEnd: "search", bottomStart: "info", bottomEnd: null },
  language: { search: "Search", info: "_TOTAL_ pairs", infoFiltered: "of _MAX_", infoEmpty: "no pairs" },
});
for (const id of ["group", "state", "flagged"]) {
  chosen(id).addEventListener("change", () => { table.draw(); replot(); });
}
window.study_table = table;

for (const [pair, failure] of Object.entries(study.failures)) {
  chosen("failed").hidden = false;
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = `${pair}: ${failure.reason}`;
  const where = document.createElement("p");
  where.className = "hint";
  where.textContent = `${failure.attempts} ${failure.attempts === 1 ? "attempt" : "attempts"}, on ${failure.computer}`;
  const log = document.createElement("pre");
  log.textContent = failure.log || "It printed nothing.";
  details.append(summary, where, log);
  chosen("failures").append(details);
}

// A fixed scatter about the middle of each group, so that points do not hide each other.
const jitter = n => ((Math.imul(n + 1, 2654435761) >>> 0) / 2 ** 32 - 0.5) * 0.7;
const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#444";
// A large study has one plot, of the chosen measure, on the graphics card; a small one has them all.
const large = count > 2000;
const plotted = large ? chosen("measure") : null;
for (const measure of study.measures) chosen("measure").append(new Option(measure.title, measure.key));
chosen("measure").parentElement.hidden = !large;
chosen("measure").addEventListener("change", () => replot());

function strip(measure, holder) {
  const group = chosen("group").value;
  const groups = [...new Set(columns.group)].sort().filter(name => group === "" || name === group.slice(1));
  const place = new Map(groups.map((name, n) => [name, n]));
  const traces = [false, true].map(flagged => {
    const trace = {
      type: large ? "scattergl" : "scatter", mode: "markers", x: [], y: [], text: [], customdata: [],
      hovertemplate: "%{text}<br>%{y:.4g}<extra></extra>",
      marker: { size: large ? 3 : 6, opacity: large ? 0.5 : 0.8,
        color: ink(flagged ? "--series-3" : "--series-1"), symbol: flagged ? "diamond" : "circle" },
    };
    for (let n = 0; n < count; n++) {
      const value = columns[measure.key][n];
      const isFlagged = columns.flags[n].includes(`${measure.title}:`);
      if (value === null || isFlagged !== flagged || !place.has(columns.group[n])) continue;
      trace.x.push(place.get(columns.group[n]) + jitter(n));
      trace.y.push(value);
      trace.text.push(columns.pair[n]);
      trace.customdata.push(n);
    }
    return trace;
  }).filter(trace => trace.x.length);
  window.Plotly.react(holder, traces, {
    title: { text: measure.title, font: { size: 13 }, x: 0, xref: "paper", xanchor: "left" },
    height: large ? 420 : 260, margin: { l: 48, r: 8, t: 34, b: 34 }, showlegend: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "inherit", color: ink("--ink"), size: 11 },
    xaxis: { tickvals: groups.map((_, n) => n), ticktext: groups.map(name => name || "all"),
      range: [-0.6, groups.length - 0.4], zeroline: false, showgrid: false },
    yaxis: { zeroline: false, gridcolor: ink("--line") },
  }, { displayModeBar: false, responsive: true }).then(() => {
    if (holder.dataset.listens) return;
    holder.dataset.listens = "1";
    holder.on("plotly_click", event => window.open(report(event.points[0].customdata), "_blank"));
  });
}

function replot() {
  if (!window.Plotly) return;  // not in sight yet
  const shownMeasures = large ? study.measures.filter(m => m.key === plotted.value) : study.measures;
  shownMeasures.forEach((measure, n) => {
    const holders = chosen("strips");
    if (!holders.children[n]) {
      holders.append(Object.assign(document.createElement("div"), { className: "strip" }));
    }
    strip(measure, holders.children[n]);
  });
}
// The plots' library is four megabytes: it is read when the plots are about to be seen.
new IntersectionObserver((entries, observer) => {
  if (!entries.some(entry => entry.isIntersecting)) return;
  observer.disconnect();
  const script = document.createElement("script");
  script.textContent = chosen("plotly").textContent;
  document.head.append(script);
  replot();
}, { rootMargin: "200px" }).observe(chosen("plots"));
document.documentElement.dataset.ready = "1";

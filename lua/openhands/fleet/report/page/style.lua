--- The style sheet of the page of a report.

local M = {}

M.CSS = [[
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --panel: #fff; --text: #1b2130; --faint: #5b6475; --line: #dde1e8; --link: #0b57c4; --focus: #0b57c4;
  --done: #1a7f4b; --failed: #c62f2f; --ambiguous: #a34a00; --running: #0969c8; --starting: #3f7fae; --paused: #7a5cc0;
  --queued: #6b7484; --skipped: #6b7484; --cancelled: #6b7484;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151c; --panel: #191f29; --text: #e4e8ef; --faint: #9aa4b5; --line: #2c3543; --link: #7db4ff;
    --focus: #7db4ff; --done: #4cc38a; --failed: #ff7b72; --ambiguous: #f0a35c; --running: #6cb2ff;
    --starting: #8ec1e0; --paused: #b9a2f2;
    --queued: #97a1b2; --skipped: #97a1b2; --cancelled: #97a1b2;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { margin: 0; font-size: 26px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 16px; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible { outline: 2px solid var(--focus);
  outline-offset: 2px; }
.about { margin: 4px 0 18px; color: var(--faint); }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 16px;
  margin: 0 0 18px; }
.counts { display: flex; flex-wrap: wrap; gap: 10px; margin: 0 0 14px; padding: 0; list-style: none; }
.counts button { display: flex; align-items: baseline; gap: 7px; padding: 7px 12px; border: 1px solid var(--line);
  border-radius: 8px; background: var(--panel); font: inherit; }
.counts span { color: var(--text); }
.js .counts button { cursor: pointer; }
.js .counts button:hover { border-color: currentColor; }
.counts button[aria-pressed="true"] { border-color: currentColor; box-shadow: inset 0 0 0 1px currentColor; }
.counts b { font-size: 20px; font-variant-numeric: tabular-nums; }
.share { display: block; width: 100%; height: 10px; border-radius: 5px; margin: 0 0 18px; }
.state { font-weight: 600; white-space: nowrap; }
.state::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px; border-radius: 50%;
  background: currentColor; }
.note { display: block; color: var(--faint); font-size: 13px; }
.done { color: var(--done); fill: var(--done); } .failed { color: var(--failed); fill: var(--failed); }
.ambiguous { color: var(--ambiguous); fill: var(--ambiguous); }
.running { color: var(--running); fill: var(--running); }
.starting { color: var(--starting); fill: var(--starting); } .paused { color: var(--paused); fill: var(--paused); }
.queued { color: var(--queued); fill: var(--queued); } .skipped { color: var(--skipped); fill: var(--skipped); }
.cancelled { color: var(--cancelled); fill: var(--cancelled); }
.timeline { display: block; width: 100%; overflow: visible; }
.timeline line { stroke: var(--line); }
.timeline text { fill: var(--faint); font-size: 12px; }
.timeline a:hover rect, .timeline a:focus rect { opacity: .6; }
.tools { display: none; flex-wrap: wrap; gap: 12px; align-items: center; margin: 0 0 10px; }
.js .tools { display: flex; }
.tools input { flex: 1 1 220px; max-width: 380px; padding: 7px 10px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--page); color: inherit; font: inherit; }
.tools p { margin: 0; color: var(--faint); }
table { width: 100%; border-collapse: collapse; }
thead th { padding: 0; border-bottom: 1px solid var(--line); text-align: left; color: var(--faint); font-size: 13px; }
thead button { width: 100%; padding: 8px 10px; border: 0; background: none; color: inherit; font: inherit;
  font-weight: 600; text-align: inherit; white-space: nowrap; }
.js thead button { cursor: pointer; }
.js thead button:hover { color: var(--text); }
th[aria-sort="ascending"] button::after { content: " \2191"; }
th[aria-sort="descending"] button::after { content: " \2193"; }
tbody td, tbody th { padding: 9px 10px; border-bottom: 1px solid var(--line); vertical-align: top; text-align: left;
  font-weight: 400; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 170px; }
tbody tr:last-child > * { border-bottom: 0; }
tbody tr:target { background: color-mix(in srgb, var(--link) 14%, transparent); }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
thead .number button { text-align: right; }
.words { overflow-wrap: anywhere; min-width: 220px; }
.words p { margin: 0; white-space: pre-wrap; unicode-bidi: isolate; }
.words .problem { color: var(--failed); }
bdi { unicode-bidi: isolate; }
details summary { cursor: pointer; }
details p { margin-top: 6px; }
.links { min-width: 130px; overflow-wrap: anywhere; }
.links a { display: block; }
[hidden] { display: none !important; }
@media (max-width: 820px) {
  main { padding: 16px 12px 32px; }
  .panel { padding: 12px; }
  table, tbody { display: block; }
  thead { display: none; }
  .js thead { display: block; }
  thead tr { display: flex; flex-wrap: wrap; gap: 6px; padding-bottom: 10px; border-bottom: 1px solid var(--line); }
  thead th { border: 1px solid var(--line); border-radius: 8px; }
  thead button { padding: 5px 9px; }
  tbody tr { display: block; padding: 10px 0; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  tbody td, tbody th { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 10px; padding: 3px 0; border: 0;
    min-width: 0; }
  table .number, table .words, table .links { min-width: 0; text-align: left; white-space: normal; }
  thead .number button { text-align: left; }
  tbody td:empty { display: none; }
  tbody [data-label]::before { content: attr(data-label); color: var(--faint); font-weight: 400; font-size: 13px; }
}
@media print {
  body { background: none; } .tools { display: none !important; } .panel { border: 0; padding: 0; }
}
]]

--- SHA-256 of the style sheet, as the page's Content-Security-Policy names it. A spec says the right one.
M.HASH = "sha256-soBnW5ThRA2VZQPzBQTdcz15HMG9d3zqHNlhOYB6MFQ="

return M

/** The look of the report: light or dark as the reader's system is, and fit for paper. */
export const STYLE = `
:root { color-scheme: light dark; --page: #fbfbf9; --card: #fff; --ink: #1b1f24; --soft: #5b6470; --line: #e3e5e1; --grid: #eceee9;
  --good: #1a7f4b; --good-soft: #e3f4ea; --bad: #c0362c; --bad-soft: #fbe6e4; --one: #2563a8; --two: #d97a1d; --three: #9aa3ad; --four: #7a3fa0; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1b1f25; --ink: #e8eaed; --soft: #9aa4b0; --line: #2c323a; --grid: #252b32;
  --good: #4cc38a; --good-soft: #16301f; --bad: #ff7b72; --bad-soft: #3b1a18; --one: #6cb0f5; --two: #f0a050; --three: #6b7580; --four: #c493e6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 40px 0 4px; }
p { margin: 0 0 12px; max-width: 76ch; }
.soft, .about { color: var(--soft); }
.about { font-size: 13.5px; }
.badge { display: inline-block; padding: 2px 10px; border-radius: 99px; font-weight: 600; font-size: 13px; }
.badge.good { background: var(--good-soft); color: var(--good); } .badge.bad { background: var(--bad-soft); color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(178px, 1fr)); gap: 12px; margin: 24px 0 8px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 23px; line-height: 1.25; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.tile span { font-size: 13px; color: var(--soft); display: block; line-height: 1.35; }
.tile.bad b { color: var(--bad); } .tile.good b { color: var(--good); }
figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 12px 0; padding: 14px 16px 8px; }
figcaption { font-weight: 600; } figcaption small { font-weight: 400; color: var(--soft); font-size: 13px; display: block; }
svg { width: 100%; height: auto; display: block; margin-top: 8px; }
svg text { font: 11.5px system-ui, sans-serif; fill: var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); margin-top: 6px; }
.legend i { display: inline-block; width: 18px; height: 0; border-top: 3px solid; margin-right: 6px; vertical-align: middle; }
.legend i.area { height: 10px; border: 0; border-radius: 2px; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 10px 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: 5px 12px; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--soft); }
tr.bad td { background: var(--bad-soft); }
td code, li code { font: 12.5px ui-monospace, Menlo, Consolas, monospace; }
td .fault { display: block; color: var(--bad); }
.mark { font-weight: 700; } .mark.good { color: var(--good); } .mark.bad { color: var(--bad); }
ul.faults { color: var(--bad); padding-left: 20px; }
footer { margin-top: 48px; color: var(--soft); font-size: 13px; }
@media print { body { background: #fff; font-size: 12px; } main { padding: 0; max-width: none; } figure, .tile, tr { break-inside: avoid; } h2 { break-after: avoid; } .wide { overflow: visible; } }
`

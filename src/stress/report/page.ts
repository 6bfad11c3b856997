import { ATTACK_CLASSES, type AttackClass, type Stopper } from '../attack.ts'
import type { StressResult } from '../result.ts'
import type { Verdict } from '../strike.ts'
import { drawLatency, drawMemory } from './charts.ts'
import { showTime } from './chart.ts'
import { Markup, html } from './html.ts'
import { STYLE } from './style.ts'

/** What each means of stopping is called. */
export const STOPPER_NAMES: Readonly<Record<Stopper, string>> = {
  isolate: 'isolate',
  kill: 'kill',
  abort: 'own abort',
  refusal: 'refused',
}

function describeMachine({ machine }: StressResult['setting']): string {
  if (machine === undefined) return ''
  return `, ${machine.processors} processors that had a load of ${machine.load.toFixed(1)}`
}

/** The stress test as one HTML file that needs nothing else. */
export function renderReport(result: StressResult): string {
  const { totals, setting } = result
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>Cloister stress test: ${totals.contained} of ${totals.attacks} contained</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <span class="badge ${result.passed ? 'good' : 'bad'}"
            >${result.passed ? 'contained' : result.cut ? 'stopped early' : 'not contained'}</span
          >
          <h1>${totals.contained} of ${totals.attacks} attacks contained</h1>
          <p class="soft">
            Cloister stress test of ${setting.target === 'own' ? 'a host of its own' : 'a running server'}, walls level
            ${setting.walls}, ${setting.startedAt.replace('T', ' ').replace(/\..*/, '')} UTC,
            ${Math.round(result.durationMs / 1_000)} s,
            ${setting.rounds === 1 ? 'one round' : `${setting.rounds} rounds`}, ${setting.concurrency} attacks at once,
            seed ${setting.seed}${describeMachine(setting)}.
          </p>
          ${renderTiles(result)} ${renderFaults(result)}
          <h2>Over time</h2>
          ${drawLatency(result)} ${drawMemory(result)}
          <h2>By class</h2>
          ${renderClasses(result.verdicts)}
          ${(Object.keys(ATTACK_CLASSES) as AttackClass[]).map((name) => renderClass(name, result.verdicts))}
          <footer>
            <p>
              “Isolate”: the cell ended the run in good order. “Kill”: only the host’s SIGKILL did. “Own abort”: the
              cell’s process gave up, and nothing else was lost. “Refused”: no run began. Time past a deadline and
              memory are the host’s own figures.
            </p>
          </footer>
        </main>
      </body>
    </html> `
  return page.text
}

function renderTiles({ totals, quiet, ledger }: StressResult): Markup {
  const failed = totals.attacks - totals.contained
  const errors = quiet.faults.reduce((sum, { count }) => sum + count, 0)
  return html`<div class="tiles">
    ${tile(String(failed), 'attacks not contained', failed === 0 ? 'good' : 'bad')}
    ${tile(String(totals.by.isolate), 'ended by the isolate', '')}
    ${tile(String(totals.by.kill + totals.by.abort), 'ended only with their process', '')}
    ${tile(showTime(totals.worstLate.ms), `longest past a deadline ${totals.worstLate.number ?? ''}`, '')}
    ${tile(`${Math.round(totals.worstMemory.overMb)} MB`, `most above a memory limit ${totals.worstMemory.number ?? ''}`, '')}
    ${tile(`${showTime(quiet.before.p50Ms)} → ${showTime(quiet.attacked.p50Ms)}`, 'quiet neighbours’ p50, before → attacked', '')}
    ${tile(`${showTime(quiet.before.p99Ms)} → ${showTime(quiet.attacked.p99Ms)}`, 'their p99, before → attacked', '')}
    ${tile(String(errors), `errors in ${quiet.before.count + quiet.attacked.count} of their calls`, errors === 0 ? 'good' : 'bad')}
    ${tile(String(quiet.leaks), 'secrets of neighbours seen', quiet.leaks === 0 ? 'good' : 'bad')}
    ${tile(`${ledger.verified} of ${ledger.tenants}`, `ledger chains verified, ${ledger.records} runs`, ledger.faults.length === 0 ? 'good' : 'bad')}
  </div>`
}

function tile(value: string, label: string, tone: '' | 'good' | 'bad'): Markup {
  return html`<div class="tile ${tone}"><b>${value}</b><span>${label}</span></div>`
}

function renderFaults({ quiet, ledger, host, verdicts }: StressResult): Markup {
  const faults = [
    ...verdicts.flatMap(({ number, title, faults }) => faults.map((fault) => `${number} ${title}: ${fault}`)),
    ...quiet.faults.map(({ fault, count }) => `${count} calls of quiet neighbours: ${fault}`),
    ...ledger.faults,
    ...host.faults,
  ]
  if (faults.length === 0) return new Markup('')
  return html`<h2>What is wrong</h2>
    <ul class="faults">
      ${faults.map((fault) => html`<li>${fault}</li>`)}
    </ul>`
}

function renderClasses(verdicts: readonly Verdict[]): Markup {
  const rows = [...Map.groupBy(verdicts, (verdict) => verdict.class)].map(([name, all]) => {
    const by = (stopper: Stopper): number => all.filter(({ stoppedBy }) => stoppedBy === stopper).length
    const contained = all.filter((verdict) => verdict.contained).length
    const late = Math.max(...all.map(({ lateMs }) => lateMs))
    return html`<tr class="${contained < all.length ? 'bad' : ''}">
      <td><a href="#${name}">${name}</a></td>
      <td class="number">${contained} / ${all.length}</td>
      <td class="number">${by('isolate')}</td>
      <td class="number">${by('kill')}</td>
      <td class="number">${by('abort')}</td>
      <td class="number">${by('refusal')}</td>
      <td class="number">${Math.round(late)} ms</td>
    </tr>`
  })
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>class</th>
          <th class="number">contained</th>
          <th class="number">isolate</th>
          <th class="number">kill</th>
          <th class="number">own abort</th>
          <th class="number">refused</th>
          <th class="number">longest past deadline</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

function renderClass(name: AttackClass, all: readonly Verdict[]): Markup {
  const verdicts = all.filter((verdict) => verdict.class === name)
  if (verdicts.length === 0) return new Markup('')
  return html`<h2 id="${name}">${name}</h2>
    <p class="about">They try to ${ATTACK_CLASSES[name]}.</p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th></th>
            <th>number</th>
            <th>attack</th>
            <th>ended as</th>
            <th>stopped by</th>
            <th class="number">past deadline</th>
            <th class="number">memory</th>
          </tr>
        </thead>
        <tbody>
          ${verdicts.map(renderVerdict)}
        </tbody>
      </table>
    </div>`
}

function renderVerdict({
  number,
  title,
  contained,
  faults,
  endings,
  stoppedBy,
  lateMs,
  peakMemoryMb,
}: Verdict): Markup {
  const tone = contained ? 'good' : 'bad'
  return html`<tr class="${contained ? '' : 'bad'}">
    <td>
      <span class="mark ${tone}" aria-label="${contained ? 'contained' : 'not contained'}"
        >${contained ? '✓' : '✗'}</span
      >
    </td>
    <td class="name">${number}</td>
    <td>${title}${faults.map((fault) => html`<span class="fault">${fault}</span>`)}</td>
    <td><code>${endings.join(', ')}</code></td>
    <td>${STOPPER_NAMES[stoppedBy]}</td>
    <td class="number">${lateMs === 0 ? '–' : showTime(lateMs)}</td>
    <td class="number">${peakMemoryMb === undefined ? '–' : `${Math.round(peakMemoryMb)} MB`}</td>
  </tr>`
}

import type { ClassedAttack, Stopper } from '../stress/attack.ts'
import type { Machine, StressResult } from '../stress/result.ts'
import type { Verdict } from '../stress/strike.ts'
import { formatCount, formatMillis, formatPlural } from './format.ts'
import type { JsonOption } from './options.ts'
import { left, renderTable, right } from './table.ts'
import { type Screen, escapeControls, paint, print } from './terminal.ts'

/** Prints what the catalogue holds. */
export function printCatalogue(out: Screen, attacks: readonly ClassedAttack[], { json }: JsonOption): void {
  if (json) return print(out, JSON.stringify(attacks))
  const rows = attacks.map(({ number, class: name, title, steps }) => {
    const endings = [...new Set(steps.flatMap(({ ends }) => ends))]
    return [number, name, title, endings.join(', ')]
  })
  print(out, renderTable(out, [left('number'), left('class'), left('attack'), left('may end as')], rows))
}

/** Prints a stress test for people: class by class, then all that was wrong, then what held. */
export function printStress(out: Screen, result: StressResult, report: string | undefined): void {
  const { verdicts, totals } = result
  print(out, renderTable(out, COLUMNS, classRows(verdicts), sumRow('all', verdicts)))
  const faults = faultsOf(result)
  if (faults.length > 0) print(out, `\n${paint(out, 'red', 'what is wrong')}`)
  for (const fault of faults) print(out, `  ${escapeControls(fault)}`)
  print(out, `\n${summaryOf(result).join('\n')}`)
  if (report !== undefined) print(out, `report            ${report}`)
  const said = `${totals.contained} of ${totals.attacks} attacks contained${result.cut ? ', stopped early' : ''}`
  print(out, `\n${paint(out, result.passed ? 'green' : 'red', said)}`)
}

const COLUMNS = [
  left('class'),
  right('attacks'),
  right('contained'),
  right('by isolate'),
  right('by kill'),
  right('own abort'),
  right('refused'),
  right('most past deadline'),
]

function classRows(verdicts: readonly Verdict[]): readonly (readonly string[])[] {
  return [...Map.groupBy(verdicts, (verdict) => verdict.class)].map(([name, group]) => sumRow(name, group))
}

function sumRow(name: string, group: readonly Verdict[]): readonly string[] {
  const by = (stopper: Stopper): string => String(group.filter(({ stoppedBy }) => stoppedBy === stopper).length)
  const contained = group.filter((verdict) => verdict.contained).length
  const late = group.reduce((most, { lateMs }) => Math.max(most, lateMs), 0)
  const counts = [String(group.length), String(contained), by('isolate'), by('kill'), by('abort'), by('refusal')]
  return [name, ...counts, formatMillis(Math.round(late))]
}

function faultsOf({ verdicts, quiet, ledger, host }: StressResult): readonly string[] {
  return [
    ...verdicts.flatMap(({ number, title, faults }) => faults.map((fault) => `${number} ${title}: ${fault}`)),
    ...quiet.faults.map(({ fault, count }) => `${count} calls of quiet tenants: ${fault}`),
    ...ledger.faults,
    ...host.faults,
  ]
}

/** Whoever reads how late kills were has to know what else the machine was doing. */
function describeMachine({ processors, load }: Machine): string {
  return `${formatPlural(processors, 'processor')}, load ${load.toFixed(1)} before the test`
}

function summaryOf({ totals, quiet, ledger, setting, durationMs }: StressResult): readonly string[] {
  const { before, attacked } = quiet
  const errors = quiet.faults.reduce((sum, { count }) => sum + count, 0)
  const { worstLate, worstMemory } = totals
  return [
    `past a deadline   at most ${formatMillis(Math.round(worstLate.ms))} ${worstLate.number ?? ''}`.trimEnd(),
    `above memory      at most ${Math.round(worstMemory.overMb)} MB ${worstMemory.number ?? ''}`.trimEnd(),
    `quiet tenants     p50 ${formatMillis(before.p50Ms)} before, ${formatMillis(attacked.p50Ms)} attacked; p99 ${formatMillis(before.p99Ms)} before, ${formatMillis(attacked.p99Ms)} attacked`,
    `                  ${errors} errors in ${formatCount(before.count + attacked.count)} calls, ${quiet.leaks} of their secrets seen`,
    `ledger            ${ledger.verified} of ${ledger.tenants} chains verify, ${formatCount(ledger.records)} runs in them`,
    `test              ${formatCount(totals.runs)} runs, ${formatMillis(durationMs)}, walls level ${setting.walls}, ${setting.concurrency} at once, seed ${setting.seed}`,
    ...(setting.machine === undefined ? [] : [`machine           ${describeMachine(setting.machine)}`]),
  ]
}

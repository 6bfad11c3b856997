import { readFileSync, writeFileSync } from 'node:fs'
import { describeKnobs } from '../src/config.ts'
import { ERRORS } from '../src/core/errors.ts'
import { OUTCOMES } from '../src/core/outcome.ts'
import type { Engine, Limits } from '../src/core/policy.ts'
import { loadPolicies } from '../src/policy/load.ts'
import { ATTACK_CLASSES } from '../src/stress/attack.ts'
import { CATALOGUE } from '../src/stress/catalogue.ts'
import { STOPPER_NAMES } from '../src/stress/report/page.ts'

/**
 * The tables in the documents that say what the code says: `npm run tables` writes them, a test compares them. Each stands
 * between `<!-- name -->` and `<!-- /name -->`.
 */
export const TABLES: Readonly<Record<string, () => string>> = {
  outcomes: () =>
    table(
      ['`status`', 'when', 'HTTP', 'HTTP of `/run`', 'CLI exit', 'billed'],
      Object.entries(OUTCOMES).map(([status, { when, exit, http }]) => [
        `\`${status}\``,
        when,
        '200',
        status === 'ok' ? 'the function’s' : String(http),
        String(exit),
        'yes',
      ]),
    ),
  errors: () =>
    table(
      ['code', 'HTTP', 'when', 'try again', 'CLI exit', 'billed'],
      Object.entries(ERRORS).map(([code, { http, when, retry, exit }]) => [
        `\`${code}\``,
        String(http),
        when,
        retry === 'later' ? 'later' : 'after a change',
        String(exit),
        'no',
      ]),
    ),
  limits: () => {
    const catalog = loadPolicies([])
    const policies = ['strict', 'default', 'generous'].map((name) => catalog.resolve(name))
    const names: readonly (readonly [string, keyof Limits])[] = [
      ['wall time of a run, ms', 'wall'],
      ['CPU time of a run, ms', 'cpu'],
      ['memory, MiB', 'memory'],
      ['input, bytes', 'input'],
      ['result, bytes', 'output'],
      ['body of an HTTP request, bytes', 'streamIn'],
      ['streamed body of a response, bytes', 'streamOut'],
      ['code, bytes', 'code'],
      ['logs of a run, bytes', 'logs'],
      ['runs at once', 'concurrency'],
      ['runs waiting', 'queue'],
    ]
    const switches: readonly (readonly [string, keyof Engine])[] = [
      ['machine code (JIT)', 'jit'],
      ['`WebAssembly`', 'wasm'],
      ['`eval`, `new Function`', 'eval'],
      ['`Temporal`', 'temporal'],
      ['clocks between I/O', 'clock'],
      ['`SharedArrayBuffer`', 'sharedMemory'],
    ]
    return table(
      ['limit', ...policies.map(({ name }) => `\`${name}\``)],
      [
        ...names.map(([label, field]) => [label, ...policies.map(({ limits }) => String(limits[field]))]),
        ...switches.map(([label, field]) => [label, ...policies.map(({ engine }) => spell(engine[field]))]),
      ],
    )
  },
  knobs: () =>
    table(
      ['variable', 'default', 'what and why'],
      describeKnobs().map(({ variable, fallback, unit, reason }) => [
        `\`${variable}\``,
        unit === undefined || fallback === 'none' ? fallback : `${fallback} ${unit}`,
        reason,
      ]),
    ),
  attacks: () =>
    table(
      ['', 'class', 'attack', 'may end as', 'stopped by, as a rule'],
      CATALOGUE.map(({ number, class: name, title, steps, stop }) => {
        const endings = new Set(steps.flatMap(({ ends }) => ends))
        return [number, name, asText(title), [...endings].map((end) => `\`${end}\``).join(', '), STOPPER_NAMES[stop]]
      }),
    ),
  'attack-classes': () =>
    table(
      ['class', 'attacks', 'they try to'],
      Object.entries(ATTACK_CLASSES).map(([name, aim]) => [
        name,
        String(CATALOGUE.filter((attack) => attack.class === name).length),
        aim,
      ]),
    ),
}

/** A name of the language is code, and no mark of emphasis. */
function asText(title: string): string {
  return title.replaceAll(/\b__\w+__\b/g, '`$&`')
}

/** The text with every table that it has a place for. */
export function fillTables(text: string): string {
  return Object.entries(TABLES).reduce((filled, [name, render]) => {
    const place = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`)
    return filled.replace(place, (_, open: string, close: string) => `${open}\n\n${render()}\n\n${close}`)
  }, text)
}

function spell(value: boolean | string): string {
  if (typeof value === 'string') return value
  return value ? 'yes' : 'no'
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

if (import.meta.main) {
  for (const file of ['README.md', 'ARCHITECTURE.md', 'SECURITY.md']) {
    const path = new URL(`../${file}`, import.meta.url)
    writeFileSync(path, fillTables(readFileSync(path, 'utf8')))
  }
}

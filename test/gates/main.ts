import { parseArgs } from 'node:util'
import { callArguments } from './arguments.ts'
import { frames } from './frames.ts'
import { events } from './events.ts'
import { fuzz } from './fuzz.ts'
import { kills } from './kills.ts'
import { ledger } from './ledger.ts'
import { type Gate, type GateResult, isMet } from './gate.ts'

const GATES: readonly Gate[] = [fuzz, frames, callArguments, kills, ledger, events]

const HELP = `npm run gates -- [--only NAME]... [--seed N] [--trials N] [--short]

  --only NAME   these gates alone, with commas between them. There are: ${GATES.map(({ name }) => name).join(', ')}
  --seed N      another seed: the same one makes the same trials. 1 if absent
  --trials N    fewer or more of them than the gate asks for: a first look, not the gate
  --short       as continuous integration runs them
`

await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      seed: { type: 'string', default: '1' },
      trials: { type: 'string' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const names = values.only?.flatMap((list) => list.split(','))
  const unknown = names?.find((name) => !GATES.some((gate) => gate.name === name))
  if (unknown !== undefined) throw new Error(`there is no gate "${unknown}"\n\n${HELP}`)
  for (const gate of GATES) {
    if (names !== undefined && !names.includes(gate.name)) continue
    process.stdout.write(`\n${gate.name}: ${gate.about}\n`)
    const startedMs = performance.now()
    const result = await gate.run({
      form: values.short ? 'short' : 'full',
      seed: Number(values.seed),
      trials: values.trials === undefined ? undefined : Number(values.trials),
      note: (text) => process.stderr.write(`  ${gate.name}: ${text}\n`),
    })
    show(result, Math.round((performance.now() - startedMs) / 1_000))
    if (!isMet(result)) process.exitCode = 1
  }
}

function show(result: GateResult, seconds: number): void {
  const width = Math.max(...result.figures.map(({ name }) => name.length))
  for (const { name, value, atMost } of result.figures) {
    const verdict = atMost === undefined ? '' : `  (at most ${atMost}: ${Number(value) <= atMost ? 'kept' : 'MISSED'})`
    process.stdout.write(`  ${name.padEnd(width)}  ${value}${verdict}\n`)
  }
  for (const violation of result.violations.slice(0, 50)) process.stdout.write(`  VIOLATION: ${violation}\n`)
  if (result.violations.length > 50) process.stdout.write(`  and ${result.violations.length - 50} more\n`)
  process.stdout.write(`  ${isMet(result) ? 'met' : 'NOT MET'}, in ${seconds} s\n`)
}

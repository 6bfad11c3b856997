import { parseArgs } from 'node:util'
import type { Effort, Measure } from './finding.ts'
import { capability } from './measures/capability.ts'
import { coldStart } from './measures/cold-start.ts'
import { containment } from './measures/containment.ts'
import { events } from './measures/events.ts'
import { fetching } from './measures/fetch.ts'
import { floods } from './measures/floods.ts'
import { ledger } from './measures/ledger.ts'
import { memory } from './measures/memory.ts'
import { stream } from './measures/stream.ts'
import { verify } from './measures/verify.ts'
import { walls } from './measures/walls.ts'
import { warm } from './measures/warm.ts'
import { web } from './measures/web.ts'
import { writeReport } from './report.ts'
import { createResultsFile, readLatestResults } from './results.ts'
import { tableOf } from './table.ts'

const MEASURES: readonly Measure[] = [
  warm,
  coldStart,
  walls,
  memory,
  ledger,
  verify,
  capability,
  events,
  fetching,
  stream,
  floods,
  web,
  containment,
]

const FULL: Effort = { rounds: 7, durationMs: 3_000, warmUpMs: 1_000, calls: 40, programs: 'all' }
const QUICK: Effort = { rounds: 3, durationMs: 1_000, warmUpMs: 500, calls: 10, programs: 'handful' }

const HELP = `npm run bench -- [--quick] [--only NAME]... [--report]

  --quick      fewer and shorter rounds: a first look, not a figure to quote
  --only NAME  this measure alone; may be repeated. There are: ${MEASURES.map(({ name }) => name).join(', ')}
  --report     measure nothing; write results/report.html from the newest results
`

await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(HELP)
  else if (values.report) report()
  else await measureAll(chosen(values.only), values.quick ? QUICK : FULL)
}

function report(): void {
  const results = readLatestResults()
  if (results === undefined) throw new Error('there are no results yet; run: npm run bench')
  process.stdout.write(`written to ${writeReport(results)}\n`)
}

function chosen(names: readonly string[] | undefined): readonly Measure[] {
  const unknown = names?.find((name) => !MEASURES.some((measure) => measure.name === name))
  if (unknown !== undefined) throw new Error(`there is no measure "${unknown}"\n\n${HELP}`)
  return MEASURES.filter(({ name }) => names === undefined || names.includes(name))
}

async function measureAll(measures: readonly Measure[], effort: Effort): Promise<void> {
  const results = createResultsFile(effort)
  for (const { name, about, run } of measures) {
    process.stdout.write(`\n${name}: ${about}\n`)
    try {
      const findings = await run(effort, (text) => process.stderr.write(`  ${name}: ${text}\n`))
      results.add(name, about, findings)
      process.stdout.write(`\n${tableOf(findings)}\n`)
    } catch (error) {
      // The other measures are worth having all the same.
      process.exitCode = 1
      process.stdout.write(`\n${name} failed: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  process.stdout.write(`\nwritten to ${results.file}\n`)
}

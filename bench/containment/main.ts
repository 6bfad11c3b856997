import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { compare } from './compare.ts'
import { writeDocuments } from './documents.ts'
import { DEFAULT_PEERS, PEERS, type Peer } from './peers.ts'
import { PROGRAMS } from './programs.ts'
import { createComparisonFile, readLatestColumns, readLatestComparison } from './saved.ts'
import { SupervisedHost } from './supervised.ts'
import { matrixOf, summaryOf, textOf } from './tables.ts'

const HELP = `node bench/containment/main.ts [--quick] [--peer NAME]... [--program TEXT]... [--write] [--saved]

  --quick         a handful of programs
  --peer NAME     this peer alone; may be repeated. There are: ${PEERS.map(({ name }) => name).join(', ')}
  --program TEXT  only programs whose class or name contains the text; may be repeated
  --write         put the tables into README.md and bench/containment/README.md
  --saved         run nothing; show the newest full column of every peer

With --write and --saved, peers that were not run now keep the newest column that was made on this machine.
`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true },
    program: { type: 'string', multiple: true },
    write: { type: 'boolean', default: false },
    saved: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    SupervisedHost.endAll()
    process.exit(1)
  })
}

if (values.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  if (values.write && (values.quick || values.program !== undefined)) throw new Error('the documents show all programs')
  if (!values.saved) await runAll()
  const latest = values.write || values.saved ? readLatestColumns(everyPeer(), PROGRAMS.length) : readLatestComparison()
  if (latest === undefined) throw new Error('there is no comparison yet')
  const { comparison, machine } = latest
  process.stdout.write(`\n${textOf(matrixOf(comparison))}\n\n${textOf(summaryOf(comparison))}\n`)
  if (!values.write) return
  const files = await writeDocuments(comparison, machine)
  process.stdout.write(`\nwritten to ${files.join(' and ')}\n`)
}

/** Who has a column: all who take part by themselves, and who is named now. */
function everyPeer(): readonly string[] {
  const chosen = new Set([...DEFAULT_PEERS, ...chosenPeers()])
  return PEERS.filter((peer) => chosen.has(peer)).map(({ name }) => name)
}

async function runAll(): Promise<void> {
  const [load = 0] = loadavg()
  const note = (text: string): void => void process.stderr.write(`${text}\n`)
  if (load > availableParallelism() / 2) note(`the machine is busy (load ${load.toFixed(1)}): not figures to quote`)
  const startedAt = performance.now()
  const file = createComparisonFile()
  await compare({ peers: chosenPeers(), programs: chosenPrograms(), file, note })
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  note(`all done in ${seconds} s; every cell: ${file.path}`)
}

function chosenPeers(): readonly Peer[] {
  if (values.peer === undefined) return DEFAULT_PEERS
  return values.peer.map((name) => {
    const peer = PEERS.find((each) => each.name === name)
    if (peer === undefined) throw new Error(`there is no peer "${name}"\n\n${HELP}`)
    return peer
  })
}

function chosenPrograms() {
  return PROGRAMS.filter(
    (program) =>
      (!values.quick || program.quick) &&
      (values.program?.some((text) => `${program.class}: ${program.name}`.includes(text)) ?? true),
  )
}

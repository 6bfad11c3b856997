import { z } from 'zod'

/** Chrome's format, as far as it is read here. */
const FRAME = z.object({
  functionName: z.string(),
  scriptId: z.string(),
  url: z.string(),
  lineNumber: z.number(),
  columnNumber: z.number(),
})
const PROFILE = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: FRAME,
      hitCount: z.number().default(0),
      children: z.array(z.number()).default([]),
      positionTicks: z.array(z.object({ line: z.number(), ticks: z.number() })).default([]),
    }),
  ),
  startTime: z.number(),
  endTime: z.number(),
  samples: z.array(z.number()).default([]),
  timeDeltas: z.array(z.number()).default([]),
})

export type CpuProfile = z.output<typeof PROFILE>
type Node = CpuProfile['nodes'][number]

/** A function's own time, without that of what it calls. */
export interface SelfTime {
  readonly name: string
  /** `file:line`, for a function of the guest's. */
  readonly place: string | undefined
  readonly ms: number
}

const RUNTIME = 'cloister:'
const RUNTIME_FRAME = { functionName: '(runtime)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 }
/** Where V8 puts the time in which no code of the isolate ran. */
const NO_CODE = new Set(['(root)', '(idle)', '(program)'])

/**
 * Reads a profile that a cell has sent, with Cloister's own functions folded into one, `(runtime)`, beside the guest's that
 * they call. Undefined if it is no profile: the guest may have had a hand in it.
 */
export function readCpuProfile(text: string): CpuProfile | undefined {
  const read = PROFILE.safeParse(parse(text))
  const [root] = read.data?.nodes ?? []
  if (read.data === undefined || root === undefined) return undefined
  return new Fold(read.data, root).profile()
}

/** The functions with most time of their own, the first one first. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile, origin: string): readonly SelfTime[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, { name: string; place: string | undefined; ms: number }>()
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)
    if (frame === undefined || NO_CODE.has(frame.functionName)) continue
    const time = times.getOrInsertComputed(keyOf(frame), () => ({
      name: frame.functionName || '(anonymous)',
      place: frame.url === '' ? undefined : `${frame.url.replace(origin, '')}:${frame.lineNumber + 1}`,
      ms: 0,
    }))
    // A delta is the time before its sample; what a function took is the time until the next one.
    time.ms += Math.max(0, timeDeltas[index + 1] ?? 0) / 1_000
  }
  return [...times.values()].toSorted((one, other) => other.ms - one.ms)
}

/** Builds the tree anew. */
class Fold {
  readonly #given: CpuProfile
  readonly #byId: ReadonlyMap<number, Node>
  readonly #nodes: Node[] = []
  readonly #newIds = new Map<number, number>()
  readonly #children = new Map<Node, Map<string, Node>>()

  constructor(given: CpuProfile, root: Node) {
    this.#given = given
    this.#byId = new Map(given.nodes.map((node) => [node.id, node]))
    // Without recursion: a guest's stack may be deeper than ours.
    const left: { node: Node; parent: Node | undefined; within: 'guest' | 'runtime' }[] = [
      { node: root, parent: undefined, within: 'guest' },
    ]
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { node, parent } = next
      if (this.#newIds.has(node.id)) continue
      const within = isRuntime(node, next.within) ? 'runtime' : 'guest'
      const placed = this.#place(node, within === 'runtime' ? RUNTIME_FRAME : node.callFrame, parent)
      const below = within === 'runtime' ? parent : placed
      for (const id of node.children) {
        const child = this.#byId.get(id)
        if (child !== undefined) left.push({ node: child, parent: below, within })
      }
    }
  }

  profile(): CpuProfile {
    const { startTime, endTime, samples, timeDeltas } = this.#given
    const root = this.#nodes[0]?.id ?? 1
    return {
      nodes: this.#nodes,
      startTime,
      endTime,
      samples: samples.map((id) => this.#newIds.get(id) ?? root),
      timeDeltas,
    }
  }

  #place(node: Node, callFrame: Node['callFrame'], parent: Node | undefined): Node {
    const siblings = parent === undefined ? undefined : this.#children.get(parent)
    let placed = siblings?.get(keyOf(callFrame))
    if (placed === undefined) {
      placed = { id: this.#nodes.length + 1, callFrame, hitCount: 0, children: [], positionTicks: [] }
      this.#nodes.push(placed)
      this.#children.set(placed, new Map())
      parent?.children.push(placed.id)
      siblings?.set(keyOf(callFrame), placed)
    }
    placed.hitCount += node.hitCount
    if (callFrame !== RUNTIME_FRAME) placed.positionTicks.push(...node.positionTicks)
    this.#newIds.set(node.id, placed.id)
    return placed
  }
}

/** Ours are the scripts of the runtime, and what of the language they call. */
function isRuntime({ callFrame }: Node, within: 'guest' | 'runtime'): boolean {
  const { url, functionName } = callFrame
  return url.startsWith(RUNTIME) || (within === 'runtime' && url === '' && !functionName.startsWith('('))
}

function keyOf({ functionName, url, lineNumber, columnNumber }: Node['callFrame']): string {
  return JSON.stringify([functionName, url, lineNumber, columnNumber])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

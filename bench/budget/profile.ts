import { OTHER, stageOf } from './stages.ts'

/** A CPU profile as V8 writes it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  /** µs by CLOCK_MONOTONIC. */
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

export interface Slice {
  readonly micros: number
  /** Functions by their own time, the dearest first: `file:line function`. */
  readonly functions: readonly (readonly [string, number])[]
}

/** Adds up the samples between two moments (µs by CLOCK_MONOTONIC) by stage. */
export function sliceByStage(profile: CpuProfile, from: number, to: number, root: string): ReadonlyMap<string, Slice> {
  const places = placeNodes(profile, root)
  const stages = new Map<string, { micros: number; functions: Map<string, number> }>()
  let at = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    const micros = profile.timeDeltas[index] ?? 0
    at += micros
    const node = places.get(id)
    if (node === undefined || at < from || at > to) continue
    const slice = stages.getOrInsertComputed(node.stage, () => ({ micros: 0, functions: new Map<string, number>() }))
    slice.micros += micros
    slice.functions.set(node.place, (slice.functions.get(node.place) ?? 0) + micros)
  }
  return new Map(
    [...stages].map(([stage, { micros, functions }]) => {
      return [stage, { micros, functions: [...functions].toSorted(([, a], [, b]) => b - a) }]
    }),
  )
}

function placeNodes({ nodes }: CpuProfile, root: string): ReadonlyMap<number, { stage: string; place: string }> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const places = new Map<number, { stage: string; place: string }>()
  const [top] = nodes
  const open: (readonly [ProfileNode, string])[] = top === undefined ? [] : [[top, OTHER]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [{ id, callFrame, children = [] }, caller] = next
    const file = callFrame.url.replace(`file://${root}`, '').replace(/^.*node_modules\//, '')
    const stage = stageOf(`${file} ${callFrame.functionName}`, caller)
    places.set(id, { stage, place: `${file}:${callFrame.lineNumber + 1} ${callFrame.functionName || '(anonymous)'}` })
    for (const child of children) {
      const node = byId.get(child)
      if (node !== undefined) open.push([node, stage])
    }
  }
  return places
}

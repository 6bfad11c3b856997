import { cpuMsOf } from '../servers/process-facts.ts'
import type { Finding } from '../finding.ts'
import type { Generator } from './client.ts'
import type { Load, LoadResult } from './load.ts'

/** A server, and the request that it gets. */
export interface Contestant {
  readonly subject: string
  readonly pid: number
  readonly load: Pick<Load, 'port' | 'path' | 'headers' | 'body' | 'expect'>
}

interface Contest {
  readonly generator: Generator
  readonly contestants: readonly Contestant[]
  readonly connections: number
  readonly rounds: number
  readonly warmUpMs: number
  readonly durationMs: number
}

/** What each round measured, by subject. */
export type Scores = ReadonlyMap<string, readonly Score[]>

interface Score extends LoadResult {
  /** CPU time of the server's processes for one request. */
  readonly cpuMicros: number
}

/**
 * Puts the same load on every contestant in turn, round after round, so that what the machine does meanwhile meets all of
 * them. Every other round goes backwards: nobody always comes after the same neighbour.
 */
export async function compete({ contestants, rounds, ...contest }: Contest): Promise<Scores> {
  const scores = new Map(contestants.map(({ subject }) => [subject, [] as Score[]]))
  // One round that counts for nothing: no server is measured before its code has been compiled for speed.
  for (const contestant of contestants) await measureOne(contestant, contest)
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed()
    for (const contestant of order) {
      scores.get(contestant.subject)?.push(await measureOne(contestant, contest))
    }
  }
  return scores
}

type Terms = Omit<Contest, 'contestants' | 'rounds'>

async function measureOne(
  { load, pid }: Contestant,
  { generator, connections, warmUpMs, durationMs }: Terms,
): Promise<Score> {
  await generator.run({ ...load, connections, warmUpMs: 0, durationMs: warmUpMs })
  const cpuMs = cpuMsOf(pid)
  const result = await generator.run({ ...load, connections, warmUpMs: 0, durationMs })
  return { ...result, cpuMicros: ((cpuMsOf(pid) - cpuMs) * 1_000) / result.requests }
}

/** Throughput, latency and CPU of every contestant. `suffix` says under what load. */
export function findingsOf(scores: Scores, suffix: string): readonly Finding[] {
  return [...scores].flatMap(([subject, rounds]) => [
    { subject, metric: `requests, ${suffix}`, unit: '/s', rounds: rounds.map((score) => score.perSecond) },
    { subject, metric: `p50, ${suffix}`, unit: 'ms', rounds: rounds.map((score) => score.p50Ms) },
    { subject, metric: `p99, ${suffix}`, unit: 'ms', rounds: rounds.map((score) => score.p99Ms) },
    { subject, metric: `CPU a request, ${suffix}`, unit: 'µs', rounds: rounds.map((score) => score.cpuMicros) },
  ])
}

/** One figure of one contestant, a value a round. */
export function roundsOf(scores: Scores, subject: string, figure: keyof Score): readonly number[] {
  return (scores.get(subject) ?? []).map((score) => score[figure])
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { readCpuProfile, selfTimes } from '../../src/cli/cpu-profile.ts'
import { createDirectory, runProgram } from './command-line.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

/** Runs code and profiles it; what was written is there if it was. */
async function profile(name: string, code: string, ...args: string[]) {
  writeFileSync(join(directory.path, name), code)
  const run = () => runProgram(['run', name, '--cpu-profile', `${name}.cpuprofile`, ...args], { cwd: directory.path })
  let ended = await run()
  // On a machine that is starved what is left before a limit may be too short for a profile to be told; then it is said.
  while (!existsSync(join(directory.path, `${name}.cpuprofile`))) {
    expect(ended.stderr).toContain(`no profile was written to ${name}.cpuprofile`)
    ended = await run()
  }
  const written = JSON.parse(readFileSync(join(directory.path, `${name}.cpuprofile`), 'utf8'))
  const frames: any[] = written.nodes.map((node: any) => ({ ...node.callFrame, hits: node.hitCount }))
  return { ...ended, written, frames, hottest: frames.toSorted((a, b) => b.hits - a.hits)[0] }
}

const BUSY = `function busy(turns) {
  let sum = 0
  for (let turn = 0; turn < turns; turn += 1) sum += Math.sqrt(turn)
  return sum
}
`

test('a profile has the guest’s functions with their lines, the busiest one on top, and nothing of Cloister’s own', async () => {
  const { code, stdout, stderr, written, frames, hottest } = await profile(
    'busy.js',
    `${BUSY}export default () => busy(1e8) > 0\n`,
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' })
  expect(hottest).toMatchObject({
    functionName: 'busy',
    url: pathToFileURL(join(directory.path, 'busy.js')).href,
    lineNumber: 0,
  })
  expect(frames.filter(({ url }) => url.startsWith('cloister:'))).toEqual([])
  expect(written.samples).toHaveLength(written.timeDeltas.length)
  expect(stderr).toMatch(/^PROFILE busy\.js\.cpuprofile {2}busy busy\.js:1 [\d.,]+ m?s/m)
})

test('a run that fails, and one that a limit ends, leave a profile too', async () => {
  const failed = await profile('fails.js', `${BUSY}busy(5e7)\nthrow new Error('no')\n`)
  expect(failed.code).toBe(1)
  expect(failed.hottest.functionName).toBe('busy')

  const late = await profile('late.js', `${BUSY}for (;;) busy(1e5)\n`, '--timeout', '400')
  expect(late.code).toBe(124)
  expect(late.stderr).toMatch(/^timeout: /m)
  expect(late.hottest.functionName).toBe('busy')

  const policy = JSON.stringify({ name: 'short', limits: { cpuMs: 300, wallMs: 20_000 } })
  writeFileSync(join(directory.path, 'short.json'), policy)
  const greedy = await profile('greedy.js', `${BUSY}for (;;) busy(1e5)\n`, '--policy', 'short.json')
  expect(greedy.code).toBe(124)
  expect(greedy.stderr).toMatch(/^cpu-exceeded: /m)
  expect(greedy.hottest.functionName).toBe('busy')
})

test('a run that fills its memory leaves no profile, and it is said so', async () => {
  writeFileSync(join(directory.path, 'full.js'), 'const all = []\nfor (;;) all.push(new Array(1000).fill(0.5))\n')
  const args = ['run', 'full.js', '--cpu-profile', 'full.cpuprofile', '--tenant', 'full']
  const { code, stderr } = await runProgram(args, { cwd: directory.path })
  expect({ code, stderr }).toEqual({ code: 124, stderr: expect.stringMatching(/^memory-exceeded: /m) })
  expect(stderr).toContain('no profile was written to full.cpuprofile')
})

test('what the runtime does is one function, beside the guest’s that it calls', () => {
  const frame = (functionName: string, url: string) => ({
    functionName,
    scriptId: '1',
    url,
    lineNumber: 3,
    columnNumber: 0,
  })
  const node = (id: number, callFrame: object, hitCount: number, ...children: number[]) => ({
    id,
    callFrame,
    hitCount,
    children,
  })
  const text = JSON.stringify({
    nodes: [
      node(1, frame('(root)', ''), 0, 2, 6),
      node(2, frame('enter', 'cloister:runtime'), 2, 3, 4),
      node(3, frame('handler', 'file:///a/main.js'), 3, 5),
      node(4, frame('stringify', ''), 1),
      node(5, frame('stringify', ''), 4),
      node(6, frame('fire', 'cloister:runtime'), 1, 7),
      node(7, frame('handler', 'file:///a/main.js'), 2),
    ],
    startTime: 0,
    endTime: 6_000,
    samples: [2, 3, 4, 5, 6, 7],
    timeDeltas: [0, 1_000, 2_000, 1_000, 1_000, 500],
  })
  const profile = readCpuProfile(text)!
  const tree = profile.nodes.map(({ callFrame, hitCount, children }) => [callFrame.functionName, hitCount, children])
  expect(tree).toEqual([
    ['(root)', 0, expect.any(Array)],
    ['(runtime)', 4, []],
    ['handler', 5, [expect.any(Number)]],
    ['stringify', 4, []],
  ])
  expect(selfTimes(profile, 'file:///a/')).toEqual([
    { name: '(runtime)', place: undefined, ms: 2.5 },
    { name: 'handler', place: 'main.js:4', ms: 2 },
    { name: 'stringify', place: undefined, ms: 1 },
  ])
  expect(readCpuProfile('{"nodes":[]}')).toBeUndefined()
  expect(readCpuProfile('null')).toBeUndefined()
})

import { describe, expect, test } from 'vitest'
import { artifactId } from '../../src/core/ids.ts'
import { bytes } from '../../src/core/quantity.ts'
import type { Artifact } from '../../src/core/run.ts'
import { ArtifactTable } from '../../src/pool/artifact-table.ts'
import { FrameBatch, FrameReader } from '../../src/wire/frame.ts'
import { decodeToCell } from '../../src/wire/to-cell.ts'

const MIB = 2 ** 20

function artifactOf(name: string, size = 10): Artifact {
  const modules = new Map([['main.js', `return '${name}'`]])
  return { id: artifactId(name), language: 'javascript', main: 'main.js', modules, size: bytes(size) }
}

/** A table, and what its cell is told. */
function open() {
  const table = new ArtifactTable()
  const batch = new FrameBatch()
  return {
    use: (name: string, size?: number) => table.use(artifactOf(name, size), batch),
    /** Everything since the last time: `+name` was sent, `-number` was dropped. */
    told(): string[] {
      const told: string[] = []
      new FrameReader(bytes(MIB)).push(batch.take(), (frame) => {
        const message = decodeToCell(frame)
        if (message.kind === 'artifact') told.push(`+${message.artifact.modules[0]?.[1].slice(8, -1)}`)
        else if (message.kind === 'drop') told.push(`-${message.artifact}`)
        else expect.unreachable()
      })
      return told
    },
  }
}

describe('an artifact', () => {
  test('is sent once and has the same number from then on', () => {
    const { use, told } = open()
    expect([use('a'), use('b'), use('a'), use('b')]).toEqual([1, 2, 1, 2])
    expect(told()).toEqual(['+a', '+b'])
  })

  test('is sent as it is', () => {
    const batch = new FrameBatch()
    const modules = new Map([
      ['main.ts', 'export default () => 1'],
      ['b.json', '{}'],
    ])
    new ArtifactTable().use({ ...artifactOf('a'), language: 'typescript', main: 'main.ts', modules }, batch)
    new FrameReader(bytes(MIB)).push(batch.take(), (frame) =>
      expect(decodeToCell(frame)).toEqual({
        kind: 'artifact',
        artifact: { number: 1, language: 'typescript', main: 'main.ts', modules: [...modules] },
      }),
    )
  })

  test('that was dropped is sent again, under a new number', () => {
    const { use, told } = open()
    use('big', 9 * MIB)
    use('a')
    expect(told()).toEqual(['+big', '+a', '-1'])
    expect(use('big', 9 * MIB)).toBe(3)
    expect(told()).toEqual(['+big', '-2'])
  })
})

describe('a cell keeps', () => {
  test('64 artifacts, and drops the one that has not been used for longest', () => {
    const { use, told } = open()
    for (let index = 0; index < 64; index += 1) use(`k${index}`)
    use('k0')
    told()
    use('new')
    expect(told()).toEqual(['+new', '-2'])
    expect(use('k0')).toBe(1)
    use('k1')
    expect(told()).toEqual(['+k1', '-3'])
  })

  test('8 MiB of sources, and drops as many as it takes', () => {
    const { use, told } = open()
    for (const name of ['a', 'b', 'c', 'd']) use(name, 2 * MIB)
    told()
    use('e', 3 * MIB)
    expect(told()).toEqual(['+e', '-1', '-2'])
    use('f', 1 * MIB)
    expect(told()).toEqual(['+f'])
  })

  test('one that is over the bound by itself, and never drops the one that is wanted', () => {
    const { use, told } = open()
    use('a')
    const number = use('huge', 100 * MIB)
    expect(told()).toEqual(['+a', '+huge', '-1'])
    expect(use('huge', 100 * MIB)).toBe(number)
    expect(told()).toEqual([])
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LedgerLine } from '../../src/core/stores.ts'
import { encodeRecord } from '../../src/store/canonical.ts'
import { GENESIS_HASH, chainHash, verifyChain, verifyLedger } from '../../src/store/chain.ts'
import { record } from './samples.ts'

function chainOf(length: number): LedgerLine[] {
  const lines: LedgerLine[] = []
  for (let sequence = 1; sequence <= length; sequence += 1) {
    lines.push(lineAfter(lines.at(-1), encodeRecord(record())))
  }
  return lines
}

function lineAfter(before: LedgerLine | undefined, canonical: string): LedgerLine {
  const previousHash = before?.hash ?? GENESIS_HASH
  const sequence = (before?.sequence ?? 0) + 1
  return { sequence, canonical, hash: chainHash(previousHash, canonical), previousHash }
}

const chain = chainOf(9)
const place = fc.integer({ min: 1, max: chain.length })

test('an untouched chain is good, and tells its length and its end', () => {
  expect(verifyChain(chain)).toEqual({ ok: true, records: 9, head: chain.at(-1)!.hash })
  expect(verifyChain([])).toEqual({ ok: true, records: 0, head: GENESIS_HASH })
})

test('an edited record is named', () => {
  fc.assert(
    fc.property(place, (sequence) => {
      const lines = chain.with(sequence - 1, { ...chain[sequence - 1]!, canonical: encodeRecord(record()) })
      expect(verifyChain(lines)).toEqual({ ok: false, sequence, reason: 'altered' })
    }),
  )
})

test('an edited record whose hash was made to fit is named, because the next one remembers the old hash', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: chain.length - 1 }), (sequence) => {
      const lines = chain.with(sequence - 1, lineAfter(chain[sequence - 2], encodeRecord(record())))
      expect(verifyChain(lines)).toEqual({ ok: false, sequence, reason: 'unlinked' })
    }),
  )
})

test('a removed record is named, unless it was the last, which the length tells', () => {
  fc.assert(
    fc.property(place, (sequence) => {
      const verdict = verifyChain(chain.toSpliced(sequence - 1, 1))
      if (sequence === chain.length) expect(verdict).toEqual({ ok: true, records: 8, head: chain[7]!.hash })
      else expect(verdict).toEqual({ ok: false, sequence, reason: 'missing' })
    }),
  )
})

test('a record that was removed with the rest numbered anew is found at the seam', () => {
  const renumbered = chain.toSpliced(4, 1).map((line, index) => ({ ...line, sequence: index + 1 }))
  expect(verifyChain(renumbered)).toEqual({ ok: false, sequence: 4, reason: 'unlinked' })
  const headless = chain.slice(1).map((line, index) => ({ ...line, sequence: index + 1 }))
  expect(verifyChain(headless)).toEqual({ ok: false, sequence: 1, reason: 'unlinked' })
})

test('a record that was put in is named, repeated or made up', () => {
  fc.assert(
    fc.property(place, (sequence) => {
      const line = chain[sequence - 1]!
      expect(verifyChain(chain.toSpliced(sequence, 0, line))).toEqual({ ok: false, sequence, reason: 'repeated' })
      const forged = lineAfter(line, encodeRecord(record()))
      const shifted = chain.slice(sequence).map((later) => ({ ...later, sequence: later.sequence + 1 }))
      const verdict = verifyChain([...chain.slice(0, sequence), forged, ...shifted])
      if (shifted.length > 0) expect(verdict).toEqual({ ok: false, sequence: sequence + 1, reason: 'unlinked' })
    }),
  )
})

test('of records that changed places the first is named', () => {
  fc.assert(
    fc.property(place, place, (one, other) => {
      fc.pre(one < other)
      const lines = chain.with(one - 1, chain[other - 1]!).with(other - 1, chain[one - 1]!)
      expect(verifyChain(lines)).toEqual({ ok: false, sequence: one, reason: 'reordered' })
    }),
  )
})

test('a chain that is read page by page gets the same verdict', async () => {
  async function* pages(lines: readonly LedgerLine[]): AsyncGenerator<LedgerLine> {
    yield* lines
  }
  expect(await verifyLedger(pages(chain))).toEqual(verifyChain(chain))
  expect(await verifyLedger(pages(chain.toReversed()))).toEqual({ ok: false, sequence: 1, reason: 'reordered' })
})

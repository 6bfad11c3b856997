import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createCloister } from '../../src/index.ts'

test('a program runs code, reads the bill and closes, with nothing set up before', async () => {
  await using cloister = await createCloister()
  const run = await cloister.execute({
    code: 'console.log("hi"); return { hello: input.name }',
    input: { name: 'ann' },
  })
  expect(run).toMatchObject({ status: 'ok', result: { hello: 'ann' }, logs: [{ level: 'info', message: 'hi' }] })
  expect(run.usage).toMatchObject({ units: 1, billedMs: 100, memoryMb: 128, billed: true })
  const bill = await cloister.bill()
  expect(bill.records).toBe(1)
  expect(bill.lines.find(({ line }) => line === 'requests')?.quantity).toBe('1')
  const usage = await cloister.usage('local', { groupBy: 'outcome' })
  expect(usage.rows).toMatchObject([{ outcome: 'ok', requests: 1, units: 1 }])
})

test('what a guest does is a result, what the platform refuses is thrown with its code', async () => {
  await using cloister = await createCloister()
  expect(await cloister.execute({ code: 'throw new Error("no")' })).toMatchObject({
    status: 'error',
    error: { message: 'no' },
  })
  await cloister.putTenant('poor', { budget: { month: { units: 0 } } })
  await expect(cloister.execute({ tenant: 'poor', code: 'return 1' })).rejects.toMatchObject({
    code: 'BUDGET_EXCEEDED',
  })
  await expect(cloister.execute({ tenant: 'Not a name', code: '' })).rejects.toMatchObject({ code: 'INVALID_TENANT' })
  await expect(cloister.execute({ code: '', input: () => 1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  expect((await cloister.bill()).records).toBe(1)
})

test('text of any script comes back as it was', async () => {
  await using cloister = await createCloister()
  const text = 'é … 𝌆'
  expect((await cloister.execute({ code: 'return input', input: text })).result).toBe(text)
  expect((await cloister.execute({ code: 'console.log(input); return input', input: text })).result).toBe(text)
})

test('a data directory keeps the ledger, and one process has it at a time', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'cloister-library-'))
  try {
    {
      await using cloister = await createCloister({ dataDirectory })
      await cloister.execute({ code: 'return 1' })
      await expect(createCloister({ dataDirectory })).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    await using again = await createCloister({ dataDirectory })
    expect((await again.bill()).records).toBe(1)
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true })
  }
})

test('a run is cancelled by its signal, and close waits for those in progress', async () => {
  const cloister = await createCloister()
  const aborted = await cloister.execute({
    code: 'await new Promise((r) => setTimeout(r, 1e6))',
    signal: AbortSignal.timeout(50),
  })
  expect(aborted.status).toBe('cancelled')
  const last = cloister.execute({ code: 'await new Promise((r) => setTimeout(r, 100)); return "done"' })
  await cloister.close()
  expect(await last).toMatchObject({ status: 'ok', result: 'done' })
  await expect(cloister.execute({ code: 'return 1' })).rejects.toMatchObject({ code: 'DRAINING' })
})

test('a run that is cancelled before it has started is refused and not charged', async () => {
  await using cloister = await createCloister()
  await expect(cloister.execute({ code: 'return 1', signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'CANCELLED',
  })
  expect((await cloister.bill()).records).toBe(0)
})

test('a temporary data directory is gone after close', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-library-'))
  vi.stubEnv('TMPDIR', folder)
  try {
    const cloister = await createCloister()
    expect(readdirSync(folder)).not.toEqual([])
    await cloister.close()
    expect(readdirSync(folder)).toEqual([])
  } finally {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  }
})

import { expect, test } from 'vitest'
import { exitOf, printLogs, printReport, printTrouble } from '../../src/cli/report.ts'
import { OUTCOMES } from '../../src/core/outcome.ts'
import { captureScreen } from './screen.ts'

test('a run exits as the table of outcomes says, and 70 for an ending that is unknown here', () => {
  for (const [status, { exit }] of Object.entries(OUTCOMES)) expect(exitOf({ status })).toBe(exit)
  for (const answer of [{}, null, { status: 'of-tomorrow' }, { status: 'toString' }]) expect(exitOf(answer)).toBe(70)
})

test('logs are printed as they are, but a terminal obeys nothing in them', () => {
  const answer = { logs: [{ level: 'warn', message: 'a\u001b[2Jb\n\tc' }] }
  const pipe = captureScreen('pipe')
  printLogs(pipe, answer)
  expect(pipe.text()).toBe('a\u001b[2Jb\n\tc\n')
  const terminal = captureScreen('terminal')
  printLogs(terminal, answer)
  expect(terminal.text()).toContain('a\\u001b[2Jb\n\tc')
})

test('what the guest threw is shown once, with its stack', () => {
  const show = (error: object, status = 'error') => {
    const screen = captureScreen()
    printTrouble(screen, { status, error })
    return screen.text()
  }
  const stack = 'RangeError: too big\n    at default (boom.ts:2:9)'
  expect(show({ name: 'RangeError', message: 'too big', stack })).toBe(`${stack}\n`)
  expect(show({ name: 'E', message: 'm', stack: 'at x' })).toBe('E: m\nat x\n')
  expect(show({ name: 'E', message: '', stack: '' })).toBe('E\n')
  expect(show({}, 'crashed')).toBe(`crashed: ${OUTCOMES.crashed.when}\n`)
  expect(show({ name: 'Error', message: 'over 100 ms' }, 'timeout')).toBe('timeout: over 100 ms\n')
  expect(show({}, 'ok')).toBe('')
})

test('the report is one line, whatever an older server leaves out', () => {
  const usage = { wallMs: 12.41, cpuMs: 3.1, units: 2, memoryMb: 128, coldStart: true, costUsd: '0.000000408' }
  const full = captureScreen()
  printReport(full, { runId: 'run_1', status: 'ok', usage })
  expect(full.text()).toBe(
    'REPORT run_1  ok  12.4 ms wall  3.1 ms cpu  2 units of 100 ms  128 MB  cold start  $0.000000408\n',
  )
  const empty = captureScreen()
  printReport(empty, {})
  expect(empty.text().trim().split('\n')).toHaveLength(1)
})

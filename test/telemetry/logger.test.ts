import { expect, test } from 'vitest'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import { createLogger } from '../../src/telemetry/logger.ts'

const clock = { now: () => epochMillis(1_767_225_600_000), elapsed: () => millis(0) }

function open(level: 'info' | 'silent' = 'info') {
  const lines: string[] = []
  const logger = createLogger({ clock, level, destination: { write: (line) => void lines.push(line) } })
  return { logger, lines }
}

test('a line is an event with its fields and the time of our own clock', () => {
  const { logger, lines } = open()
  logger.info({ reason: 'idle', ageMs: 5 }, 'cell.retired')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'info', time: '2026-01-01T00:00:00.000Z', reason: 'idle', ageMs: 5, event: 'cell.retired' },
  ])
})

test('what is a secret by its name is never written, wherever it stands', () => {
  const { logger, lines } = open()
  const secrets = { authorization: 'S3CRET', key: 'S3CRET', adminKey: 'S3CRET', token: 'S3CRET' }
  logger.error({ ...secrets, headers: secrets, request: { headers: secrets } }, 'request.failed')
  expect(lines.join('')).toContain('[redacted]')
  expect(lines.join('')).not.toContain('S3CRET')
})

test('an error is written with its cause, which is for the operator alone', () => {
  const { logger, lines } = open()
  logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'request.failed')
  expect(lines[0]).toContain('outer')
  expect(lines[0]).toContain('inner')
})

test('a silent log writes nothing', () => {
  const { logger, lines } = open('silent')
  logger.error({}, 'request.failed')
  expect(lines).toEqual([])
})

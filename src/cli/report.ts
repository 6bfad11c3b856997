import { OUTCOMES, isRunStatus } from '../core/outcome.ts'
import { formatMillis, formatPlural, formatUsd } from './format.ts'
import { at, listAt, numberAt, textAt } from './json.ts'
import { EXIT_HOST_FAULT, type ExitCode } from './stop.ts'
import { type Screen, type Style, paint, print, printable } from './terminal.ts'

const LEVEL_STYLES: Readonly<Record<string, Style>> = { debug: 'dim', warn: 'yellow', error: 'red' }

/** What a command exits with after a run, from its answer. */
export function exitOf(answer: unknown): ExitCode {
  const status = textAt(answer, 'status') ?? ''
  return isRunStatus(status) ? OUTCOMES[status].exit : EXIT_HOST_FAULT
}

/** Prints what a run logged, as it is: one message after the other. */
export function printLogs(screen: Screen, answer: unknown): void {
  for (const line of listAt(answer, 'logs')) {
    const message = printable(screen, textAt(line, 'message') ?? '')
    const style = LEVEL_STYLES[textAt(line, 'level') ?? '']
    print(screen, style === undefined ? message : paint(screen, style, message))
  }
}

/** Prints why a run did not return a value: what the guest threw, or what ended it. Nothing if it did return one. */
export function printTrouble(screen: Screen, answer: unknown): void {
  const status = textAt(answer, 'status') ?? ''
  if (status === 'ok') return
  const name = status === 'error' ? (textAt(answer, 'error', 'name') ?? 'Error') : status
  const message = textAt(answer, 'error', 'message') ?? (isRunStatus(status) ? OUTCOMES[status].when : '')
  const stack = textAt(answer, 'error', 'stack') ?? ''
  const title = message === '' ? name : `${name}: ${message}`
  // A stack begins with name and message as a rule; where it does not, they are said first.
  const text = stack.startsWith(title) || stack === '' ? stack || title : `${title}\n${stack}`
  print(screen, paint(screen, 'red', printable(screen, text)))
}

/** Prints what a run took and cost, in one line. */
export function printReport(screen: Screen, answer: unknown): void {
  const usage = at(answer, 'usage')
  const start = textAt(usage, 'coldStart') === 'true' ? ['cold start'] : []
  const parts = [
    textAt(answer, 'status') ?? '',
    `${formatMillis(numberAt(usage, 'wallMs'))} wall`,
    `${formatMillis(numberAt(usage, 'cpuMs'))} cpu`,
    `${formatPlural(numberAt(usage, 'units'), 'unit')} of 100 ms`,
    `${textAt(usage, 'memoryMb') ?? ''} MB`,
    ...start,
    formatUsd(textAt(usage, 'costUsd')),
  ]
  print(screen, paint(screen, 'dim', `REPORT ${textAt(answer, 'runId') ?? ''}  ${parts.join('  ')}`))
}

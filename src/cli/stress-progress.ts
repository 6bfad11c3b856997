import type { Progress } from '../stress/campaign.ts'
import { STOPPER_NAMES } from '../stress/report/page.ts'
import type { Verdict } from '../stress/strike.ts'
import { type Screen, escapeControls, isTerminal, paint, print, printable } from './terminal.ts'

/** Shows a stress test at work. Leaving its scope takes the bar away. */
export interface ProgressPrinter extends Disposable {
  show(progress: Progress): void
}

const PHASES: Readonly<Record<(Progress & { kind: 'phase' })['phase'], string>> = {
  calm: 'watching quiet tenants before the attacks',
  attack: 'attacking',
  audit: 'checking the ledger',
  'clean-up': 'removing the tenants of the test',
}
const BAR_WIDTH = 30
const ERASE_LINE = '\r\u001b[2K'

/** A bar where a person reads along, which stays behind only for what was not contained; a line for each attack elsewhere. */
export function createProgressPrinter(screen: Screen): ProgressPrinter {
  const hasBar = isTerminal(screen)
  const bar = (text: string): void => void screen.stream.write(`${ERASE_LINE}${text}`)
  return {
    show(progress) {
      if (progress.kind === 'phase') {
        if (hasBar) bar(PHASES[progress.phase])
        else print(screen, PHASES[progress.phase])
        return
      }
      const { verdict, done, total } = progress
      if (!hasBar) return print(screen, describe(screen, verdict))
      if (!verdict.contained) print(screen, `${ERASE_LINE}${describe(screen, verdict)}`)
      const filled = Math.round((done / total) * BAR_WIDTH)
      bar(
        `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${done}/${total}  ${verdict.number} ${verdict.title}`.slice(
          0,
          100,
        ),
      )
    },
    [Symbol.dispose]() {
      if (hasBar) screen.stream.write(ERASE_LINE)
    },
  }
}

function describe(screen: Screen, { number, title, contained, endings, stoppedBy, faults }: Verdict): string {
  const verdict = contained ? paint(screen, 'green', 'contained') : paint(screen, 'red', 'NOT CONTAINED')
  const line = `${number.padEnd(5)} ${verdict}  ${title}: ${endings.join(', ')} (${STOPPER_NAMES[stoppedBy]})`
  return [line, ...faults.map((fault) => `      ${printable(screen, escapeControls(fault))}`)].join('\n')
}

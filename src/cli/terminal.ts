import { type Writable } from 'node:stream'
import { styleText } from 'node:util'

/** Something to print on: a terminal with a person before it, or a file or pipe for a program. */
export interface Screen {
  readonly stream: Writable & { readonly isTTY?: boolean }
}

export type Style = Parameters<typeof styleText>[0]

/** Writes one line, or several. */
export function print(screen: Screen, text: string): void {
  screen.stream.write(`${text}\n`)
}

/** Whether a person reads along. */
export function isTerminal(screen: Screen): boolean {
  return screen.stream.isTTY === true
}

/** Colours text on a terminal, as NO_COLOR and FORCE_COLOR allow, and leaves it as it is everywhere else. */
export function paint(screen: Screen, style: Style, text: string): string {
  return styleText(style, text, { stream: screen.stream })
}

// Everything a terminal could take for a command, except line feed and tab; and the marks that reorder a line.
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/**
 * Text that a tenant wrote, for this screen. On a terminal, control characters are shown as `\u001b` instead of being
 * obeyed: a log line must not be able to repaint the screen of whoever reads it. Elsewhere it is unchanged.
 */
export function printable(screen: Screen, text: string): string {
  return isTerminal(screen) ? escapeControls(text) : text
}

/** Shows control characters as `\u001b`, which inside JSON text also keeps its meaning. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

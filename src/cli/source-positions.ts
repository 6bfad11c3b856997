import { SourceMap } from 'node:module'
import { relative, resolve } from 'node:path'
import { at, listAt, textAt } from './json.ts'

/** Turns positions in a bundle into those in the files that it was made of. */
export interface Positions {
  /** A text, such as a stack, in which they stand as `file:line:column`. */
  translate(text: string): string
}

/** A part of a source's first line that is not the user's. */
interface Shift {
  readonly file: string
  readonly columns: number
}

/** Reads a source map. Positions that it does not know stay as they are. */
export function createPositions(bundle: string, mapText: string, shift: Shift | undefined): Positions {
  const map = new SourceMap(JSON.parse(mapText) as ConstructorParameters<typeof SourceMap>[0])
  const position = new RegExp(`(?<![\\w/.-])${RegExp.escape(bundle)}:(\\d+):(\\d+)`, 'g')
  return {
    translate: (text) =>
      text.replaceAll(position, (whole, line: string, column: string) => {
        const origin = map.findOrigin(Number(line), Number(column))
        if (!('fileName' in origin)) return whole
        const { fileName, lineNumber, columnNumber } = origin
        const shifted = shift !== undefined && lineNumber === 1 && resolve(fileName) === resolve(shift.file)
        return `${relative('', fileName)}:${lineNumber}:${columnNumber - (shifted ? shift.columns : 0)}`
      }),
  }
}

/** An answer of the API with the user's own positions in its error and in what was logged. */
export function translateAnswer(answer: unknown, positions: Positions): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  const translated = (value: unknown, ...names: readonly string[]): object => {
    const changed = names.map((name) => [name, textAt(value, name)] as const).filter(([, text]) => text !== undefined)
    return {
      ...(value as object),
      ...Object.fromEntries(changed.map(([name, text]) => [name, positions.translate(text ?? '')])),
    }
  }
  const error = at(answer, 'error')
  return {
    ...answer,
    logs: listAt(answer, 'logs').map((line) => translated(line, 'message')),
    ...(error !== undefined && error !== null && { error: translated(error, 'message', 'stack') }),
  }
}

import { codeFault } from './code-fault.ts'
import type { ImportSpecifier } from 'es-module-lexer/minimal/js'
import { kindOf } from './data-source.ts'
import { DOOR } from './door.ts'

/** An import as the lexer finds it. */
export type Found = ImportSpecifier

interface Connected {
  /** What goes before the first line. */
  readonly prefix: string
  readonly code: string
  readonly types: ReadonlyMap<string, string>
}

/** A text in the place of what stands from one position to another. */
interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** Kinds of imports, by the numbers of es-module-lexer. */
const KIND = { dynamic: 2, meta: 3, staticSource: 4, dynamicSource: 5 } as const

/**
 * Gives a module what isolated-vm has no hook for. `import(…)` and `import.source(…)` become calls of a function of the
 * runtime's whose name is as long as what it stands for, `import.meta.url` is set, and `import source` of WebAssembly
 * becomes the import of the default export, which is the same object. No line and no column moves.
 */
export function connectImports(name: string, source: string, imports: readonly Found[]): Connected {
  const edits: Edit[] = []
  const types = new Map<string, string>()
  let call: string | undefined
  for (const found of imports) {
    const kind = found.t as number
    if (found.d === -1) {
      if (kind === KIND.staticSource) edits.push(withoutSource(name, source, found))
      takeType(name, source, found, types)
    } else if (kind === KIND.dynamic || kind === KIND.dynamicSource) {
      call ??= freeName(source)
      edits.push({ from: found.ss, to: found.d, text: kind === KIND.dynamicSource ? `${call}.s` : call })
    }
  }
  const hasMeta = imports.some((found) => (found.t as number) === KIND.meta)
  const prefix =
    (hasMeta ? `import.meta.url=${JSON.stringify(urlOf(name))};` : '') +
    (call === undefined ? '' : callSource(name, call))
  return { prefix, code: edit(source, edits), types }
}

/** The URL that a module goes by. Nothing is to be had there: it names the module, and tells others relative to it. */
export function urlOf(name: string): string {
  return `cloister:///${name.split('/').map(encodeURIComponent).join('/')}`
}

/** Declares the function that stands for `import`. Declared, not assigned: a module in a cycle may call it before its turn. */
function callSource(name: string, call: string): string {
  const from = JSON.stringify(name)
  return (
    `import{load as ${call}_}from"${DOOR}";` +
    `function ${call}(a,b){return ${call}_(${from},a,b)}` +
    `${call}.s=(a,b)=>${call}_(${from},a,b,"source");`
  )
}

/** A name of six characters, as many as `import` has, that the source does not hold. */
function freeName(source: string): string {
  for (let number = 0; ; number += 1) {
    const name = `$${number.toString(36).padStart(5, '_')}`
    if (!source.includes(name)) return name
  }
}

/** Puts texts in the place of longer ones; the rest becomes blank, but for the ends of lines. */
function edit(source: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return source
  const parts: string[] = []
  let done = 0
  for (const { from, to, text } of edits.toSorted((a, b) => a.from - b.from)) {
    const rest = source.slice(from + text.length, to).replaceAll(/[^\n\r\u2028\u2029]/g, ' ')
    parts.push(source.slice(done, from), text, rest)
    done = to
  }
  return parts.join('') + source.slice(done)
}

function withoutSource(name: string, source: string, found: Found): Edit {
  if (found.n === undefined || kindOf(found.n) !== 'wasm') {
    throw codeFault('SyntaxError', `only WebAssembly has a source to import, and '${found.n ?? ''}' is none [${name}]`)
  }
  const word = /^import(?:\s|\/\*[\s\S]*?\*\/|\/\/.*\n)+(?=source\b)/.exec(source.slice(found.ss, found.se))
  if (word === null) throw codeFault('SyntaxError', `an import of a source cannot be read [${name}]`)
  const from = found.ss + word[0].length
  return { from, to: from + 'source'.length, text: '' }
}

/** Notes the `type` of an import. isolated-vm resolves by the specifier alone, so one module can have one type of each. */
function takeType(name: string, source: string, found: Found, types: Map<string, string>): void {
  if (found.n === undefined || found.a < 0) return
  const type = /\btype['"]?\s*:\s*(['"])(.*?)\1/.exec(source.slice(found.a, found.se))?.[2]
  if (type === undefined) return
  const before = types.get(found.n)
  if (before !== undefined && before !== type) {
    throw codeFault('TypeError', `${name} imports '${found.n}' as type '${before}' and as type '${type}'`)
  }
  types.set(found.n, type)
}

import { type Division, type PatternPart, escapeForRegExp, partsOfPattern } from './url-pattern-parts.ts'

const { exec } = RegExp.prototype
const { apply } = Reflect

/** What one component of a URL was, and what its groups took of it. */
export interface ComponentResult {
  readonly input: string
  readonly groups: Record<string, string | undefined>
}

/** One component of a pattern. Its regular expression is of the guest's own isolate, where the run's deadline ends it. */
export class PatternComponent {
  readonly pattern: string
  readonly hasRegExpGroups: boolean
  readonly #names: readonly string[]
  /** Absent for `*`, which takes all. */
  readonly #expression: RegExp | undefined

  constructor(pattern: string, division: Division, flags: 'v' | 'vi') {
    this.pattern = pattern
    if (pattern === '*') {
      this.hasRegExpGroups = false
      this.#names = ['0']
      return
    }
    const parts = partsOfPattern(pattern, division)
    this.hasRegExpGroups = parts.some(({ kind }) => kind === 'regexp')
    this.#names = parts.filter(({ kind }) => kind !== 'text').map(({ name }) => name)
    this.#expression = new RegExp(`^${parts.map(sourceOf).join('')}$`, flags)
  }

  test(input: string): boolean {
    return this.#expression === undefined || apply(exec, this.#expression, [input]) !== null
  }

  match(input: string): ComponentResult | undefined {
    const found = this.#expression === undefined ? ['', input] : apply(exec, this.#expression, [input])
    if (found === null) return undefined
    const groups: Record<string, string | undefined> = {}
    for (let index = 0; index < this.#names.length; index += 1) {
      // Defined, as a group may be called `__proto__`.
      Object.defineProperty(groups, this.#names[index] as string, {
        value: found[index + 1],
        writable: true,
        enumerable: true,
        configurable: true,
      })
    }
    return { input, groups }
  }
}

/** URL Pattern, "generate a regular expression and name list", one part of it. */
function sourceOf({ kind, value, modifier, prefix, suffix }: PatternPart): string {
  if (kind === 'text') {
    return modifier === '' ? escapeForRegExp(value) : `(?:${escapeForRegExp(value)})${modifier}`
  }
  const before = escapeForRegExp(prefix)
  const after = escapeForRegExp(suffix)
  const repeats = modifier === '*' || modifier === '+'
  if (before === '' && after === '') return repeats ? `((?:${value})${modifier})` : `(${value})${modifier}`
  if (!repeats) return `(?:${before}(${value})${after})${modifier}`
  const all = `(?:${before}((?:${value})(?:${after}${before}(?:${value}))*)${after})`
  return modifier === '*' ? `${all}?` : all
}

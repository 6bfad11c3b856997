import { apply, defineHidden, defineProperty, getOwnPropertyDescriptor } from './primordials.ts'

type Format = (date?: unknown) => unknown

/** Has `Intl.DateTimeFormat` ask `now` for the date that it is not given. The functions for ranges need both of their dates. */
export function freezeDateTimeFormat(now: () => number): void {
  const { prototype } = Intl.DateTimeFormat
  const native = getOwnPropertyDescriptor(prototype, 'format')?.get as () => Format
  const { formatToParts } = prototype
  const known = new WeakMap<Format, Format>()
  const { get, set } = WeakMap.prototype
  /** The native one is the same function each time that it is asked for, and has no name, as an argument has none. */
  const remember = (format: Format, wrapped: Format): Format => {
    apply(set, known, [format, wrapped])
    return wrapped
  }
  const wrap = (format: Format): Format =>
    (apply(get, known, [format]) as Format | undefined) ??
    remember(format, (date: unknown) => format(date === undefined ? now() : date))
  const frozen = {
    get format() {
      return wrap(apply(native, this, []) as Format)
    },
    formatToParts(date: unknown) {
      return apply(formatToParts, this, [date === undefined ? now() : date])
    },
  }
  const getter = getOwnPropertyDescriptor(frozen, 'format')?.get as () => unknown
  defineProperty(prototype, 'format', { get: getter, configurable: true, enumerable: false })
  defineHidden(prototype, 'formatToParts', frozen.formatToParts)
}

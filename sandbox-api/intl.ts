import {
  WeakMapConstructor,
  apply,
  defineHidden,
  defineProperty,
  getOwnPropertyDescriptor,
  weakGet,
  weakSet,
} from './primordials.ts'

type Format = (date?: unknown) => unknown

/** Has `Intl.DateTimeFormat` ask `now` for the date that it is not given. The functions for ranges need both of their dates. */
export function freezeDateTimeFormat(prototype: Intl.DateTimeFormat, now: () => number): void {
  const native = getOwnPropertyDescriptor(prototype, 'format')?.get as () => Format
  const { formatToParts } = prototype
  const known = new WeakMapConstructor<Format, Format>()
  /** The native one is the same function each time that it is asked for, and has no name, as an argument has none. */
  const remember = (format: Format, wrapped: Format): Format => {
    apply(weakSet, known, [format, wrapped])
    return wrapped
  }
  const wrap = (format: Format): Format =>
    (apply(weakGet, known, [format]) as Format | undefined) ??
    remember(format, (date: unknown) => format(date === undefined ? now() : date))
  const frozen = {
    get format() {
      return wrap(apply(native, this, []) as Format)
    },
    formatToParts(date: unknown) {
      return apply(formatToParts, this, [date === undefined ? now() : date])
    },
  }
  const get = getOwnPropertyDescriptor(frozen, 'format')?.get
  defineProperty(prototype, 'format', { __proto__: null, get } as PropertyDescriptor)
  defineHidden(prototype, 'formatToParts', frozen.formatToParts)
}

/**
 * Code of a guest that describes built-ins as the language sees them: every property with its descriptor, names and lengths
 * of functions, prototypes; and what they do with given arguments.
 */
const DESCRIBE = `
  const kind = (value) => typeof value !== 'function' ? typeof value : [value.name, value.length, Object.hasOwn(value, 'prototype')].join(' ')
  const describe = (object) => Object.fromEntries(Reflect.ownKeys(object).map((key) => {
    const { value, get, set, ...rest } = Object.getOwnPropertyDescriptor(object, key)
    return [String(key), { ...rest, value: kind(value), get: kind(get), set: kind(set) }]
  }))
  const attempt = (action) => { try { return String(action()) } catch (error) { return error.name + ': ' + error.message } }`

export const SHAPES = `${DESCRIBE}
  class Sub extends Date { more() { return 1 } }
  const format = new Intl.DateTimeFormat('en', { timeZone: 'UTC', dateStyle: 'full', timeStyle: 'full' })
  const at = new Date(86400000)
  // The first look at the property makes what it holds.
  void Temporal
  const subject = { globalThis: { Date, Temporal }, Date, 'Date.prototype': Date.prototype, Temporal, Now: Temporal.Now, 'DateTimeFormat.prototype': Intl.DateTimeFormat.prototype }
  const shapes = Object.fromEntries(Object.entries(subject).map(([name, object]) => [name, describe(object)]))
  const own = ['Date', 'Temporal', 'Intl'].map((name) => describe({ [name]: 0 }) && Object.getOwnPropertyDescriptor(globalThis, name)).map(({ writable, enumerable, configurable }) => [writable, enumerable, configurable].join())
  const calls = [
    () => new Date(2020, 1, 29, 12, 30, 15, 250).toISOString(), () => new Date(5), () => new Date('2020-02-30T00:00Z').getTime(), () => new Date('no'),
    () => new Date(undefined).getTime(), () => new Date(null).getTime(), () => new Date(new Date(7)).getTime(), () => new Date(10n), () => new Date(Symbol()),
    () => new Date({ valueOf: () => 3, toString: () => '2021' }).getTime(), () => new Date({ [Symbol.toPrimitive]: (hint) => hint + '' }).getTime(),
    () => new Date(2020, NaN), () => Date.UTC(2020), () => Date.UTC(), () => Date.parse('2020-01-01'), () => at[Symbol.toPrimitive]('number'),
    () => at[Symbol.toPrimitive]('default'), () => at + 1, () => at - 1, () => JSON.stringify(at), () => new Sub(5).more(), () => new Sub(5) instanceof Date,
    () => Object.getPrototypeOf(new Sub(5)) === Sub.prototype, () => Sub.now.length, () => new Sub(2020, 0).getFullYear(), () => Object.getPrototypeOf(Sub) === Date,
    () => Object.getPrototypeOf(Reflect.construct(Date, [1], Map)) === Map.prototype, () => Reflect.construct(Date, [1], Object).getTime, () => new Date.now(),
    () => Object.prototype.toString.call(new Date(1)), () => Date.prototype.constructor === Date, () => new (at.constructor)(5).getTime(), () => Date(5).length > 20,
    () => Object.getPrototypeOf(Date) === Function.prototype, () => Date instanceof Function, () => Date.prototype.getTime.call({}), () => typeof Date(),
    () => format.format(at), () => format.format === format.format, () => format.format({ valueOf: () => 5 }), () => format.format('x'), () => format.format(NaN),
    () => format.format(null), () => JSON.stringify(format.formatToParts(at)), () => format.format.name + format.format.length, () => new format.format(),
    () => Intl.DateTimeFormat.prototype.format, () => Intl.DateTimeFormat.prototype.formatToParts.call({}), () => format.formatToParts('x'),
    () => new Intl.DateTimeFormat('en').format(Temporal.PlainDate.from('2020-02-29')), () => format.formatRange(at, 5e8), () => format.formatRange(at),
    () => format.format(5, 6, 7), () => Temporal.Now.timeZoneId() === new Intl.DateTimeFormat().resolvedOptions().timeZone, () => Object.prototype.toString.call(Temporal),
    () => Object.prototype.toString.call(Temporal.Now), () => Object.getPrototypeOf(Temporal) === Object.prototype, () => new Temporal.Now.instant(),
    () => Temporal.Now.zonedDateTimeISO('Mars/Base'), () => Temporal.Now.plainDateISO(5), () => Temporal.Now.zonedDateTimeISO('Asia/Tokyo').timeZoneId,
    () => Temporal.Now.zonedDateTimeISO(undefined).timeZoneId === Temporal.Now.timeZoneId(), () => Temporal.Now.plainTimeISO(null), () => Temporal.Now.instant() instanceof Temporal.Instant,
    () => new Date(5).toTemporalInstant() instanceof Temporal.Instant, () => Temporal.Instant.from('2020-01-01T00:00Z'), () => Temporal.Duration.from('PT5M').total('second'),
    () => Temporal.PlainYearMonth.from('2020-02').daysInMonth, () => Temporal.PlainMonthDay.from('02-29'), () => Object.keys(globalThis).includes('Temporal'),
    () => Date.prototype.toLocaleString.call(at, 'en', { timeZone: 'UTC' }), () => Object.keys(globalThis).includes('Date'),
  ]
  return { shapes, own, calls: calls.map((call) => call.toString().slice(6) + ' → ' + attempt(call)) }`

/** The constructors of all kinds of functions, and what only they have to do with. */
export const FUNCTION_SHAPES = `${DESCRIBE}
  const samples = { plain: () => {}, async: async () => {}, generator: function* () {}, asyncGenerator: async function* () {} }
  const kinds = Object.values(samples).map((sample) => sample.constructor)
  const named = (object) => { const { constructor, ...rest } = describe(object); return { ...rest, constructor } }
  return {
    constructors: kinds.map((made) => [named(made), Object.getPrototypeOf(made) === (made === Function ? Function.prototype : Function)]),
    prototypes: Object.values(samples).map((sample) => named(Object.getPrototypeOf(sample))),
    globals: ['eval', 'Function'].map((name) => describe(globalThis)[name]),
    links: kinds.map((made) => made.prototype.constructor === made),
    instances: Object.values(samples).map((sample) => [sample instanceof Function, sample instanceof sample.constructor, sample.constructor === Function]),
    others: [class {}, Date, Map, console.log, setTimeout, (() => {}).bind(), Object.getOwnPropertyDescriptor(Map.prototype, 'size').get].map((f) => f instanceof Function),
  }`

import { apply, defineHidden, defineProperty, toStringTag } from './primordials.ts'

/** Removes `Temporal`, and with `Date.prototype.toTemporalInstant` the only other way to any of its classes. */
export function withholdTemporal(global: object): void {
  delete (global as { Temporal?: unknown }).Temporal
  delete (Date.prototype as { toTemporalInstant?: unknown }).toTemporalInstant
}

/**
 * A `Temporal` that differs from the native one in nothing but `Temporal.Now`, which asks `now`.
 *
 * V8 makes the classes of Temporal when they are first asked for, which takes a fifth of the time of a whole fresh realm; even
 * a look at the property would have it do so. So the native namespace is dropped unseen and put together again here from the
 * classes, which a `Date` leads to. A guest that has replaced `toTemporalInstant` gets what it deserves, and no clock.
 */
export function createTemporal(date: Date, now: () => number, systemZone: () => string): object {
  const instant = date.toTemporalInstant()
  const zoned = instant.toZonedDateTimeISO('UTC')
  const day = zoned.toPlainDate()
  const namespace = {}
  defineHidden(namespace, 'Now', createNow(zoned, now, systemZone))
  defineHidden(namespace, 'PlainDate', day.constructor)
  defineHidden(namespace, 'PlainTime', zoned.toPlainTime().constructor)
  defineHidden(namespace, 'PlainDateTime', zoned.toPlainDateTime().constructor)
  defineHidden(namespace, 'ZonedDateTime', zoned.constructor)
  defineHidden(namespace, 'Duration', instant.since(instant).constructor)
  defineHidden(namespace, 'Instant', instant.constructor)
  defineHidden(namespace, 'PlainYearMonth', day.toPlainYearMonth().constructor)
  defineHidden(namespace, 'PlainMonthDay', day.toPlainMonthDay().constructor)
  return tag(namespace, 'Temporal')
}

/** Kept from here on: what the guest does to the classes later does not change `Now`. */
function createNow(sample: Temporal.ZonedDateTime, now: () => number, systemZone: () => string): object {
  const { toInstant, toPlainDate, toPlainDateTime, toPlainTime } = sample
  const epoch = sample.toInstant()
  const Instant = epoch.constructor as typeof Temporal.Instant
  const { fromEpochMilliseconds } = Instant
  const { toZonedDateTimeISO } = epoch
  const zonedNow = (zone: unknown): object => {
    const instant = apply(fromEpochMilliseconds, Instant, [now()]) as object
    return apply(toZonedDateTimeISO, instant, [zone === undefined ? systemZone() : zone]) as object
  }
  // Methods: like the native ones they have no parameter that is counted, and cannot be called with `new`.
  const methods = {
    instant: () => apply(toInstant, zonedNow('UTC'), []),
    timeZoneId: () => systemZone(),
    plainDateTimeISO: (zone = undefined) => apply(toPlainDateTime, zonedNow(zone), []),
    zonedDateTimeISO: (zone = undefined) => zonedNow(zone),
    plainDateISO: (zone = undefined) => apply(toPlainDate, zonedNow(zone), []),
    plainTimeISO: (zone = undefined) => apply(toPlainTime, zonedNow(zone), []),
  }
  const object = {}
  defineHidden(object, 'instant', methods.instant)
  defineHidden(object, 'timeZoneId', methods.timeZoneId)
  defineHidden(object, 'plainDateTimeISO', methods.plainDateTimeISO)
  defineHidden(object, 'zonedDateTimeISO', methods.zonedDateTimeISO)
  defineHidden(object, 'plainDateISO', methods.plainDateISO)
  defineHidden(object, 'plainTimeISO', methods.plainTimeISO)
  return tag(object, 'Temporal.Now')
}

function tag(object: object, name: string): object {
  const descriptor = { __proto__: null, value: name, writable: false, configurable: true, enumerable: false }
  return defineProperty(object, toStringTag, descriptor as PropertyDescriptor)
}

import type { NativeBridge } from './bridge.ts'
import { NATIVE } from './bridge.ts'
import type { Clock } from './clock.ts'
import { defineLazy } from './lazy.ts'
import { createNative } from './native.ts'
import { defineProperty } from './primordials.ts'
import { WEB_CLASSES, WEB_HANDLERS, WEB_VALUES } from './web-names.ts'
import type { Web, WebHost } from './web/host.ts'

interface Parts {
  readonly bridge: NativeBridge
  readonly clock: Clock
  readonly timers: Pick<WebHost, 'setTimer' | 'clearTimer'>
  readonly isGranted: WebHost['isGranted']
  readonly callHost: WebHost['callHost']
  readonly fail: (error: unknown) => void
  readonly exceed: () => void
  readonly exceedStream: () => void
}

/** The realm's web API from the runtime's side. Nothing of it is made before the guest asks for it. */
export interface WebDoor {
  /** What is open; undefined as long as the guest has asked for nothing. */
  readonly opened: Web | undefined
  open(): Web
}

/** Puts the web's own API on the global object. */
export function installWeb(global: object, parts: Parts): WebDoor {
  const { bridge, clock, timers, isGranted, callHost, fail, exceed, exceedStream } = parts
  let web: Web | undefined
  const native = createNative(bridge)
  const timeOrigin = clock.now()
  const open = (): Web => {
    if (web !== undefined) return web
    const opener = bridge(NATIVE.load, '') as (host: WebHost) => Web
    web = opener({
      now: clock.now,
      timeOrigin,
      callNative: native.call,
      startNative: native.start,
      setTimer: timers.setTimer,
      clearTimer: timers.clearTimer,
      isGranted,
      callHost,
      fail,
      exceed,
      exceedStream,
    })
    return web
  }
  for (let index = 0; index < WEB_CLASSES.length; index += 1) {
    const name = WEB_CLASSES[index] as string
    defineLazy(global, name, () => open().get(name))
  }
  for (let index = 0; index < WEB_VALUES.length; index += 1) {
    const name = WEB_VALUES[index] as string
    defineLazy(global, name, () => open().get(name), 'listed')
  }
  for (let index = 0; index < WEB_HANDLERS.length; index += 1) {
    const name = WEB_HANDLERS[index] as string
    defineProperty(global, name, {
      __proto__: null,
      get: () => (web === undefined ? null : web.handler(name).get()),
      set: (value: unknown) => open().handler(name).set(value),
      configurable: true,
      enumerable: true,
    } as PropertyDescriptor)
  }
  return {
    get opened() {
      return web
    },
    open,
  }
}

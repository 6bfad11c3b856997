import type { Program } from '../program.ts'

/** Given a global object of the host, or something that may be one, returns the content of the host's file. */
const READ = `const read = (root) => {
  try { const fs = root.process?.getBuiltinModule?.('node:fs'); if (fs) return fs.readFileSync(input.canaryFile, 'utf8') } catch {}
  try { if (root.Deno) return root.Deno.readTextFileSync(input.canaryFile) } catch {}
}
const through = (thing) => {
  for (const step of [(o) => o.constructor, (o) => Object.getPrototypeOf(o).constructor]) {
    try { const found = read(step(step(thing))('return globalThis')()); if (found) return found } catch {}
    try { const found = read(step(thing)('return globalThis')()); if (found) return found } catch {}
  }
}
`

/** Programs that reach for what is the host's, or leave something in it. */
export const BOUNDARY: readonly Program[] = [
  {
    class: 'boundary',
    name: 'plain sight',
    does: 'reads a file of the host with whatever the globals offer',
    code: `${READ}
const found = read(globalThis)
if (found) return found
try { return await (await fetch('file://' + input.canaryFile)).text() } catch {}
try { return (await import('node:fs')).readFileSync(input.canaryFile, 'utf8') } catch {}
try { return require('node:fs').readFileSync(input.canaryFile, 'utf8') } catch {}
return 'nothing'`,
    quick: true,
  },
  {
    class: 'boundary',
    name: 'constructors',
    does: "this.constructor.constructor('return process')() on this, input, arguments and every object that can be reached from the global one",
    code: `${READ}
const seen = new Set([(function () { return this })(), (function () { return arguments })(), input, globalThis])
let tried = 0
for (const each of seen) {
  if (!each) continue
  if ((tried += 1) > 5000) break
  const found = through(each)
  if (found) return found
  for (const key of Reflect.ownKeys(each)) {
    try {
      const d = Object.getOwnPropertyDescriptor(each, key)
      for (const next of [d.value, d.get, d.set]) if (Object(next) === next) seen.add(next)
    } catch {}
  }
}
return 'nothing'`,
  },
  {
    class: 'boundary',
    name: 'errors of the host',
    does: 'provokes errors that the host may have made, and climbs from their constructors',
    code: `${READ}
const caught = []
try { await import('node:nothing') } catch (e) { caught.push(e) }
try { await import('./nothing.js') } catch (e) { caught.push(e) }
try { const f = () => f() + 1; f() } catch (e) { caught.push(e) }
try { await new (Object.getPrototypeOf(async () => {}).constructor)('return import("x")')() } catch (e) { caught.push(e) }
for (const each of caught) { const found = each && through(each); if (found) return found }
return 'nothing'`,
  },
  {
    class: 'boundary',
    name: 'call sites',
    does: 'reads functions and receivers off the stack by Error.prepareStackTrace',
    code: `${READ}
const sites = []
Error.prepareStackTrace = (error, frames) => { sites.push(...frames, frames, error); return '' }
try { null.x } catch (e) { e.stack }
new Error('x').stack
for (const each of sites) {
  for (const thing of [each, each.getThis?.(), each.getFunction?.()]) { const found = thing && through(thing); if (found) return found }
}
return 'nothing'`,
  },
  {
    class: 'boundary',
    name: 'proxy in the result',
    does: 'returns proxies whose traps run when the host reads the result, and climbs from what the traps get',
    code: `${READ}
const climb = (...things) => things.map((thing) => thing && Object(thing) === thing ? through(thing) : undefined).find(Boolean) ?? 'nothing'
return { toJSON: new Proxy(function () {}, { apply: (target, self, list) => climb(list, self, list?.[0]) }) }`,
  },
  {
    class: 'boundary',
    name: 'prototype pollution',
    does: 'writes to the prototypes of everything given, and returns JSON with a key __proto__',
    code: `for (const thing of [input, globalThis, Object, []]) {
  try { Object.getPrototypeOf(thing).polluted = 'yes' } catch {}
  try { thing.constructor.prototype.polluted = 'yes' } catch {}
  try { thing.__proto__.__proto__.polluted = 'yes' } catch {}
}
return JSON.parse('{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}')`,
  },
  {
    class: 'boundary',
    name: 'paths in stacks',
    does: 'returns the stacks of all errors it can provoke, and looks for a path of the host in them',
    code: `const stacks = []
const note = (e) => { try { stacks.push(String(e.stack)) } catch {} }
try { null.x } catch (e) { note(e) }
try { await import('node:nothing') } catch (e) { note(e) }
try { await import('./nothing.js') } catch (e) { note(e) }
try { JSON.parse('{') } catch (e) { note(e) }
note(await new Promise((resolve) => { Promise.reject(new Error('x')).catch(resolve) }))
Error.stackTraceLimit = 100
note(new Error('x'))
return stacks.join('\\n')`,
  },
]

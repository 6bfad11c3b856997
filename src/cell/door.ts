/** The specifier of the module through which generated code has the runtime's functions. */
export const DOOR = 'cloister:door'

/**
 * The source of that module. Its functions are there before it is evaluated, and `bind` is given what they call. A guest
 * may import it, too: it finds nothing but what its own imports do.
 */
export const DOOR_SOURCE = `var door
export function bind(given) { door = given }
export function load(from, specifier, options, phase) { return door.load(from, specifier, options, phase) }
export function json(text) { return door.json(text) }
export function bytes(text) { return door.bytes(text) }
export function wasm(text, name) { return door.wasm(text, name) }`

/**
 * The source of a module that is evaluated after another, and tells when it is: V8 gives a promise for that, which
 * isolated-vm keeps to itself. \`whenReady\` can be called before.
 */
export const WATCHER_SOURCE = `import * as all from 'watched'
export function whenReady(action) {
  const before = waiting
  if (ready) action(all)
  else waiting = before === undefined ? action : (value) => { before(value); action(value) }
}
var ready, waiting
ready = true
waiting?.(all)`

/** The source of a module that does nothing but fail if another has failed. */
export const PROBE_SOURCE = `import 'watched'`

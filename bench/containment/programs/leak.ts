import type { Program } from '../program.ts'

/** Programs that leave something for the next run, and look for it there. */
export const LEAK: readonly Program[] = [
  {
    class: 'leak',
    name: 'globals',
    does: 'leaves a global, a property of every prototype and a symbol',
    code: `globalThis.left = 'LEFTOVER'; Object.prototype.left = 'LEFTOVER'; Array.prototype.left = 'LEFTOVER'
globalThis[Symbol.for('left')] = 'LEFTOVER'; return 1`,
    next: "return String(globalThis.left ?? [].left ?? globalThis[Symbol.for('left')] ?? 'nothing')",
    quick: true,
  },
  {
    class: 'leak',
    name: 'built-ins',
    does: 'replaces JSON.stringify, Promise.prototype.then and Array.prototype.map for those who come after',
    code: "JSON.stringify = () => '\"LEFTOVER\"'; Promise.prototype.then = function () { return 'LEFTOVER' }; Array.prototype.map = () => ['LEFTOVER']; return 1",
    next: 'return [JSON.stringify([1]), String([1].map((x) => x)[0])].join()',
  },
  {
    class: 'leak',
    name: 'places to keep things',
    does: 'writes to the environment, the disk, local storage and caches, where there are any',
    code: `const fs = globalThis.process?.getBuiltinModule?.('node:fs')
try { fs.writeFileSync(input.markFile + '.left', 'LEFTOVER') } catch {}
try { Deno.writeTextFileSync(input.markFile + '.left', 'LEFTOVER') } catch {}
try { process.env.LEFT = 'LEFTOVER' } catch {}
try { localStorage.setItem('left', 'LEFTOVER') } catch {}
return 1`,
    next: `const fs = globalThis.process?.getBuiltinModule?.('node:fs')
try { const text = fs.readFileSync(input.markFile + '.left', 'utf8'); if (text) return text } catch {}
try { return Deno.readTextFileSync(input.markFile + '.left') } catch {}
try { if (process.env.LEFT) return process.env.LEFT } catch {}
try { return String(localStorage.getItem('left')) } catch {}
return 'nothing'`,
  },
]

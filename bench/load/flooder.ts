import { type FloodTarget, GUEST_FLOODS, HTTP_FLOODS, repeat } from './floods.ts'

/** Entry point of the process that floods: what to send, and where to, comes as one message. */
export interface FloodOrder extends FloodTarget {
  readonly kind: 'http' | 'guest' | 'cell'
  readonly name: string
}

process.on('message', ({ kind, name, ...target }: FloodOrder) => {
  if (kind === 'http') HTTP_FLOODS[name]?.(target)
  // A cell that was taken over is told by its input what to send: see test/attacks/flooding-cell.cjs.
  else repeat(kind === 'guest' ? { code: GUEST_FLOODS[name] } : { code: 'return 1', input: name })(target)
})

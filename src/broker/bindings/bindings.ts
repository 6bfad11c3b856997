import { type BindConfig, isOutput } from '../../core/binding.ts'
import type { Bindings, GuestError, Ticket } from '../../core/run.ts'
import { readInput } from './inputs.ts'
import { type Staged, stagedOf, writeOutputs } from './outputs.ts'
import { BindingFault, type Call, rootsOf, targetOf } from './values.ts'

interface Parts {
  readonly ticket: Ticket
  readonly bind: BindConfig
  readonly call: Call
}

/**
 * Inputs and outputs of one run. Reads and writes are operations of the run's own session, so grants, quotas and prices are
 * those of the guest's own calls. What goes wrong is the function's doing, as if its code had done it.
 */
export class RunBindings implements Bindings {
  readonly #ticket: Ticket
  readonly #bind: BindConfig
  readonly #call: Call
  #values = ''
  #staged: readonly Staged[] = []

  constructor({ ticket, bind, call }: Parts) {
    this.#ticket = ticket
    this.#bind = bind
    this.#call = call
  }

  get values(): string {
    return this.#values
  }

  read(): Promise<GuestError | undefined> {
    return faultOf(async () => {
      const roots = rootsOf(this.#ticket)
      let left = Number(this.#ticket.policy.limits.input)
      const inputs: string[] = []
      for (const [name, binding] of Object.entries(this.#bind)) {
        if (isOutput(binding)) continue
        const value = await within(`input "${name}"`, () =>
          readInput(this.#call, binding, { target: targetOf(binding, roots), bytesMax: left }),
        )
        left -= Buffer.byteLength(value)
        if (left < 0) throw new BindingFault(`the inputs have more bytes than limits.inputBytes of the policy together`)
        if (value === 'null' && binding.required === true) {
          throw new BindingFault(`the input "${name}" is required, and there is nothing at ${targetOf(binding, roots)}`)
        }
        inputs.push(`${JSON.stringify(name)}:${value}`)
      }
      const outputs = Object.keys(this.#bind).filter((name) => isOutput(this.#bind[name] ?? {}))
      this.#values = `{"in":{${inputs.join(',')}},"out":${JSON.stringify(outputs)}}`
    })
  }

  /** Keeps what the guest says its outputs are. Nothing is written yet. */
  stage(given: unknown): void {
    this.#staged = stagedOf(given, this.#bind)
  }

  write(): Promise<GuestError | undefined> {
    return faultOf(async () => {
      if (this.#staged.length === 0) return
      const roots = rootsOf(this.#ticket)
      const placed = await Promise.all(
        this.#staged.map((staged) =>
          within(`output "${staged.name}"`, async () => ({ ...staged, target: targetOf(staged.binding, roots) })),
        ),
      )
      await within('output', () => writeOutputs(this.#call, placed))
    })
  }
}

async function within<Value>(what: string, action: () => Promise<Value>): Promise<Value> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof BindingFault ? new BindingFault(`${what}: ${error.message}`) : error
  }
}

async function faultOf(action: () => Promise<void>): Promise<GuestError | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (error instanceof BindingFault) return { name: 'BindingError', message: error.message, stack: '' }
    throw error
  }
}

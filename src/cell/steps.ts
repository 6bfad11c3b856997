import type ivm from 'isolated-vm'
import type { Realm } from './realm.ts'

/** One thing that is done inside a realm's isolate: a module is evaluated, or the runtime is entered. */
export type Step =
  | { readonly kind: 'evaluate'; readonly module: ivm.Module }
  | { readonly kind: 'apply'; readonly entry: number; readonly a: string | number; readonly b: unknown }

/**
 * Several steps with what is decided between them. A generator, so that it is written once: an ordinary run takes the steps
 * at once on the cell's thread, an inspected one waits for each.
 */
export type Steps<Result = void> = Generator<Step, Result, void>

export function evaluate(module: ivm.Module): Step {
  return { kind: 'evaluate', module }
}

export function apply(entry: number, a: string | number, b: unknown): Step {
  return { kind: 'apply', entry, a, b }
}

/** Takes a step on this thread. Throws what isolated-vm throws. */
export function takeStep(realm: Realm, step: Step, timeout: number): void {
  if (step.kind === 'evaluate') step.module.evaluateSync({ timeout })
  else realm.enter.applySync(undefined, [step.entry, step.a, step.b as string], { timeout })
}

/** Takes a step on a thread of isolated-vm's, while this one goes on. */
export async function takeStepSlowly(realm: Realm, step: Step, timeout: number): Promise<void> {
  if (step.kind === 'evaluate') await step.module.evaluate({ timeout })
  else await realm.enter.apply(undefined, [step.entry, step.a, step.b as string], { timeout })
}

/** Takes all steps at once. What one of them throws is thrown where it was yielded. */
export function walk(steps: Steps, take: (step: Step) => void): void {
  let next = steps.next()
  while (next.done !== true) {
    let fault: { readonly thrown: unknown } | undefined
    try {
      take(next.value)
    } catch (thrown) {
      fault = { thrown }
    }
    next = fault === undefined ? steps.next() : steps.throw(fault.thrown)
  }
}

/** The same with steps that take their time. */
export async function walkSlowly(steps: Steps, take: (step: Step) => Promise<void>): Promise<void> {
  let next = steps.next()
  while (next.done !== true) {
    let fault: { readonly thrown: unknown } | undefined
    try {
      // One after the other is the point: a thread of isolated-vm's is inside meanwhile.
      await take(next.value)
    } catch (thrown) {
      fault = { thrown }
    }
    next = fault === undefined ? steps.next() : steps.throw(fault.thrown)
  }
}

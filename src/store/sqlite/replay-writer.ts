import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Replay, Replayed } from '../../core/dead-letters.ts'
import type { DeadLetterCommands, LetterRow } from './dead-letter-commands.ts'
import type { InvocationWriter } from './invocation-writer.ts'
import { type QueueWriter, createMessageId } from './queue-writer.ts'
import { Savepoint } from './savepoint.ts'

type Input = DeadLetterCommands['letter.replay']['input']

interface Parts {
  readonly invocations: InvocationWriter
  readonly queues: QueueWriter
}

/** Makes events of dead letters again, inside the writer's transaction: a letter goes when its event is there. */
export class ReplayWriter {
  readonly #parts: Parts
  readonly #savepoint: Savepoint
  readonly #find: StatementSync
  readonly #delete: StatementSync

  constructor(database: DatabaseSync, parts: Parts) {
    this.#parts = parts
    this.#savepoint = new Savepoint(database)
    this.#find = database.prepare(
      'SELECT * FROM dead_letters WHERE id = ? AND tenant = (SELECT number FROM tenants WHERE id = ?)',
    )
    this.#delete = database.prepare('DELETE FROM dead_letters WHERE number = ?')
  }

  replay(input: Input): Replayed {
    let replayed = 0
    for (const replay of input.replays) {
      const letter = this.#find.get(replay.id, input.tenant) as LetterRow | undefined
      if (letter === undefined) continue
      const outcome = this.#savepoint.run(
        () => this.#replayOne(letter, replay, input),
        (how) => how === 'done',
      )
      if (outcome !== 'done') return { replayed, refused: outcome }
      this.#delete.run(letter.number)
      replayed += 1
    }
    return { replayed }
  }

  /** Depth begins anew: whoever replays is not the function itself. */
  #replayOne(letter: LetterRow, { run }: Replay, { tenant, now, events, queues }: Input) {
    const { function: name, target, trigger, input, queue, ordering_key: orderingKey } = letter
    if (queue === null) {
      const invocation = {
        id: run,
        tenant,
        function: name,
        target,
        trigger,
        input,
        depth: 0,
        parentRun: null,
        dueAt: now,
      }
      return this.#parts.invocations.enqueue({ invocation, quota: events, now })
    }
    if (queues === null) return 'queue-full'
    const message = { id: createMessageId(), body: input, delay: 0, deduplicationId: null, orderingKey, depth: 0 }
    const sent = this.#parts.queues.sendWithin({ tenant, queue, now, quota: queues, messages: [message] })
    return sent === 'done' ? sent : 'queue-full'
  }
}

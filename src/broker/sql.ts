import type { SqlGrant } from '../core/policy.ts'
import { invalid, optionsOf, wholeOf } from './arguments.ts'
import type { Capability, Operation, RunScope } from './capability.ts'
import type { Databases } from './sql/databases.ts'
import { parametersOf } from './sql/parameters.ts'
import { statementOf } from './sql/statement.ts'
import { SqlWork, type TransactionMode } from './sql/work.ts'

interface Parts {
  readonly databases: Databases
}

/** What the name of a binding must look like: 1 to 63 of `a-z 0-9 -`, a letter first. */
const NAME = /^[a-z][a-z0-9-]{0,62}$/

const ISOLATIONS: ReadonlyMap<unknown, TransactionMode['isolation']> = new Map([
  ['read committed', 'READ COMMITTED'],
  ['repeatable read', 'REPEATABLE READ'],
  ['serializable', 'SERIALIZABLE'],
])

/** Host half of `sql`: PostgreSQL that the tenant has bound. Every operation may change something: functions do. */
export function createSqlCapability({ databases }: Parts): Capability<'sql'> {
  const key = {}
  const workOf = (scope: RunScope): SqlWork => scope.keep(key, () => new SqlWork(databases, scope))
  const lasting = (run: Operation<SqlGrant>['run']): Operation<SqlGrant> => ({ effect: 'lasting', run })
  const operations = new Map<string, Operation<SqlGrant>>([
    [
      'query',
      lasting(async (scope, grant, [database, text, params]) =>
        workOf(scope).query(nameOf(database), statement(text, params, grant), grant),
      ),
    ],
    [
      'begin',
      lasting(async (scope, grant, [database, options]) =>
        String(await workOf(scope).begin(nameOf(database), modeOf(options), grant)),
      ),
    ],
    [
      'queryIn',
      lasting(async (scope, grant, [transaction, text, params]) =>
        workOf(scope).queryIn(transactionOf(transaction), statement(text, params, grant), grant),
      ),
    ],
    [
      'commit',
      lasting(async (scope, _grant, [transaction]) => {
        await workOf(scope).commit(transactionOf(transaction))
        return ''
      }),
    ],
    [
      'rollback',
      lasting(async (scope, _grant, [transaction]) => {
        await workOf(scope).rollback(transactionOf(transaction))
        return ''
      }),
    ],
  ])
  return { name: 'sql', operations, argumentsMax: ({ statementBytes }) => 6 * statementBytes + 1_000 }
}

function statement(text: unknown, params: unknown, { statementBytes }: SqlGrant) {
  const parameters = parametersOf(params, statementBytes)
  return { text: statementOf(text, statementBytes), parameters }
}

function nameOf(given: unknown): string {
  if (typeof given === 'string' && NAME.test(given)) return given
  throw invalid('the name of a database must be 1 to 63 of a-z, 0-9 and -, a letter first')
}

function transactionOf(given: unknown): number {
  return wholeOf(given, 'transaction', { min: 1, max: Number.MAX_SAFE_INTEGER })
}

function modeOf(given: unknown): TransactionMode {
  const { isolation = 'read committed', readOnly = false } = optionsOf(given, ['isolation', 'readOnly'])
  const level = ISOLATIONS.get(isolation)
  if (level === undefined) throw invalid(`options.isolation must be one of ${[...ISOLATIONS.keys()].join(', ')}`)
  if (typeof readOnly !== 'boolean') throw invalid('options.readOnly must be true or false')
  return { isolation: level, access: readOnly ? 'READ ONLY' : 'READ WRITE' }
}

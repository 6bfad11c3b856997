import type { SecretsGrant } from '../core/policy.ts'
import { invalid } from './arguments.ts'
import { type Capability, CapabilityError, type Operation, type RunScope } from './capability.ts'
import { SECRET_NAME } from './secrets/placeholder.ts'
import { RunSecrets } from './secrets/run-secrets.ts'
import type { Secrets } from './secrets/secrets.ts'

interface Parts {
  readonly secrets: Secrets
}

const ARGUMENTS_MAX = 500

/** Host half of `secrets`. `ref` gives what stands for a secret in requests of fetch; `reveal` the secret, if the policy says so. */
export function createSecretsCapability({ secrets }: Parts): Capability<'secrets'> {
  const operations = new Map<string, Operation<SecretsGrant>>([
    [
      'ref',
      { effect: 'none', run: async (scope, _, [name]) => JSON.stringify(await ref(secrets, scope, nameOf(name))) },
    ],
    [
      'reveal',
      {
        effect: 'none',
        async run(scope, grant, [name]) {
          if (!grant.reveal) {
            throw new CapabilityError(
              'NOT_GRANTED',
              'the policy does not let code have secrets themselves (capabilities.secrets.reveal)',
            )
          }
          return JSON.stringify(await reveal(secrets, scope, nameOf(name)))
        },
      },
    ],
  ])
  return { name: 'secrets', operations, argumentsMax: () => ARGUMENTS_MAX }
}

async function ref(secrets: Secrets, scope: RunScope, name: string): Promise<string> {
  const mine = RunSecrets.of(secrets, scope)
  if (mine === undefined) throw new CapabilityError('NOT_GRANTED', 'the policy does not grant secrets')
  return await mine.ask(name)
}

async function reveal(secrets: Secrets, { tenant }: RunScope, name: string): Promise<string> {
  const secret = await secrets.open(tenant, name)
  if (secret === undefined) throw new CapabilityError('NOT_FOUND', `there is no secret ${name}`)
  return secret.value
}

function nameOf(given: unknown): string {
  if (typeof given === 'string' && SECRET_NAME.test(given)) return given
  throw invalid('the name of a secret must be 1 to 63 of A-Z, 0-9 and _, a letter first')
}

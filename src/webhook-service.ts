import type { Logger } from 'pino'
import { createSendPost } from './broker/egress/post.ts'
import { createResolver } from './broker/egress/resolver.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import type { Vault } from './core/vault.ts'
import type { WebhookStore } from './core/webhooks.ts'
import { Webhooks } from './webhooks/webhooks.ts'

interface Parts {
  readonly config: Pick<Config, 'dnsServers'>
  readonly store: WebhookStore
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Logger
}

/** Opens webhooks and sends what earlier hosts have left. A part of the composition root, see main.ts. */
export function openWebhooks({ config, ...parts }: Parts): Webhooks {
  const send = createSendPost(createResolver(config.dnsServers?.split(',') ?? []))
  const webhooks = new Webhooks({ ...parts, send, random: Math.random })
  webhooks.start()
  return webhooks
}

/** What the host's thread may ask of the writer about webhooks. */
export interface WebhookCommands {
  'webhook.put': { input: WebhookPut; output: 'done' | 'too-many' }
  'webhook.delete': { input: { tenant: string; name: string }; output: boolean }
  'webhook.enqueue': { input: WebhookEnqueue; output: number }
  'webhook.settle': {
    input: { row: number; state: string; attempts: number; at: number; error: string | null }
    output: void
  }
}

interface WebhookPut {
  readonly tenant: string
  readonly name: string
  readonly url: string
  /** JSON: a list. */
  readonly events: string
  readonly sealed: string
  readonly reach: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly max: number
}

interface WebhookEnqueue {
  readonly tenant: string
  readonly id: string
  readonly type: string
  readonly body: string
  readonly now: number
  readonly keep: number
}

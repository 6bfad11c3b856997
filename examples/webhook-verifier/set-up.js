/** Keeps the key that webhooks are signed with. Run once; run again to change it. */
export default async function ({ secret }, context) {
  await context.kv.put('webhook-secret', secret)
  return { keyBytes: Uint8Array.fromBase64(secret.replace(/^whsec_/, '')).length }
}

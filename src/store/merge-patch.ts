/**
 * Applies a JSON merge patch (RFC 7396) and gives a new value; what it leaves alone is shared with `target`. Recurses as deep
 * as `patch` is nested.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  // Without a prototype, so that a field named __proto__ is a field like any other.
  const merged = Object.assign(Object.create(null) as Record<string, unknown>, isObject(target) ? target : undefined)
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function reportUncaught(_error: unknown): boolean {
  return false
}

export function reportRejection(_reason: { name: string; message: string; stack: string }): boolean {
  return false
}

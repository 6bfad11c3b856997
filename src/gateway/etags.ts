/** The etags of an If-Match or If-None-Match header without their quotes; `*` is itself. Undefined without the header. */
export function etagsOf(header: string | undefined): readonly string[] | undefined {
  return header?.split(',').map((one) => one.trim().replace(/^(?:W\/)?"(.*)"$/, '$1'))
}

/** Modules that are data: what they hold is their default export. WebAssembly is made known by `webworker`. */
declare module '*.txt' {
  const text: string
  export default text
}
declare module '*.html' {
  const text: string
  export default text
}
declare module '*.sql' {
  const text: string
  export default text
}
declare module '*.bin' {
  const bytes: Uint8Array
  export default bytes
}
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

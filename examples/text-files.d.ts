/** Files that the bundler turns into text. */
declare module '*.hbs' {
  const text: string
  export default text
}
declare module '*.html' {
  const text: string
  export default text
}

// What the package has for engines without Node's Buffer; `csv-parse/sync` asks for it.
import { parse } from 'csv-parse/browser/esm/sync'

export default () => {
  const rows = parse('\ufeffid;name\n1;"a ""b"" c"\n\n2;"line\nbreak"\n', {
    bom: true,
    columns: true,
    delimiter: ';',
    skip_empty_lines: true,
    cast: (text, { column }) => (column === 'id' ? Number(text) : text),
  })
  let code
  try {
    parse('a,b\n1\n')
  } catch (error) {
    code = error.code
  }
  return [rows, code]
}

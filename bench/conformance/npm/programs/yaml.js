import { isMap, parse, parseAllDocuments, parseDocument, stringify } from 'yaml'

export default () => {
  const document = parseDocument('# top\na: &x [1, 2]\nb: *x\nc: |\n  line\n  two\nd: 2026-01-02\n')
  document.set('e', { f: null })
  return [
    document.toJS(),
    String(document),
    isMap(document.contents),
    parse('- 0x10\n- yes\n- ~'),
    stringify({ a: ['x: y', true] }),
    parseAllDocuments('a: 1\n---\n- b').length,
    parseDocument('a: [').errors[0].code,
  ]
}

import Papa from 'papaparse'

export default () => {
  const parsed = Papa.parse('a,b\n1,"x,""y"""\n2,\n', { header: true, dynamicTyping: true, skipEmptyLines: true })
  const steps = []
  Papa.parse('1;2\n3;4', { delimiter: ';', step: ({ data }) => steps.push(data) })
  return [
    parsed.data,
    parsed.meta.fields,
    steps,
    Papa.unparse([{ a: 'q"q', b: 'x\ny' }]),
    Papa.parse('a,b\n1', { header: true }).errors[0].code,
  ]
}

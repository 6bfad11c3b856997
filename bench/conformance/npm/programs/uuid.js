import { NIL, parse, v4, v5, v7, validate, version } from 'uuid'

export default () => {
  const made = [v4(), v4(), v7()]
  return [made.map((id) => [validate(id), version(id)]), new Set(made).size, v5('cloister', v5.DNS), parse(NIL).length]
}

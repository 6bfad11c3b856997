import { Ajv } from 'ajv'

export default () => {
  const validate = new Ajv({ allErrors: true }).compile({
    type: 'object',
    required: ['a', 'b'],
    properties: {
      a: { type: 'integer', minimum: 3 },
      b: { enum: ['x', 'y'] },
      c: { type: 'array', uniqueItems: true, items: { type: 'string', pattern: '^[a-z]+$' } },
    },
    additionalProperties: false,
  })
  return [
    validate({ a: 3, b: 'x', c: ['q'] }),
    validate({ a: 1, b: 'z', c: ['q', 'q', 'Q'], d: 1 }),
    validate.errors.map(({ instancePath, keyword }) => instancePath + ' ' + keyword).toSorted(),
  ]
}

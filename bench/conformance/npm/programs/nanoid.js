import { customAlphabet, nanoid } from 'nanoid'

export default () => {
  const ids = Array.from({ length: 1_000 }, () => nanoid())
  return [new Set(ids).size, ids.every((id) => /^[\w-]{21}$/.test(id)), /^[ab]{8}$/.test(customAlphabet('ab', 8)())]
}

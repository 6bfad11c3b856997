import { enableMapSet, enablePatches, produce, produceWithPatches } from 'immer'

enableMapSet()
enablePatches()

export default () => {
  const base = { list: [{ done: false }, { done: true }], tags: new Set(['a']), map: new Map([['k', { n: 1 }]]) }
  const [next, patches, inverse] = produceWithPatches(base, (draft) => {
    draft.list[0].done = true
    draft.tags.add('b')
    draft.map.get('k').n += 1
  })
  return [
    base.list[0].done,
    next.list,
    [...next.tags],
    next.map.get('k'),
    patches.length,
    inverse.length,
    next.list[1] === base.list[1],
    Object.isFrozen(produce(next, (draft) => void draft.list.pop())),
  ]
}

import { chunk, cloneDeep, debounce, get, groupBy, merge, orderBy, template } from 'lodash-es'

export default async () => {
  let calls = 0
  const once = debounce(() => (calls += 1), 5)
  once()
  once()
  await new Promise((resolve) => setTimeout(resolve, 30))
  const people = [
    { name: 'bo', age: 3 },
    { name: 'al', age: 3 },
    { name: 'cy', age: 1 },
  ]
  const copy = cloneDeep({ at: new Date(0), map: new Map([['a', new Set([1])]]) })
  return [
    calls,
    chunk([1, 2, 3], 2),
    groupBy(people, 'age'),
    orderBy(people, ['age', 'name'], ['desc', 'asc']),
    get({ a: [{ b: 1 }] }, 'a[0].b'),
    merge({ a: { b: 1 } }, { a: { c: 2 } }),
    [...copy.map.get('a')],
    template('hi <%- name %>')({ name: '<b>' }),
  ]
}

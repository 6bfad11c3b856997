import { Marked } from 'marked'

const marked = new Marked({ gfm: true }).use({
  renderer: { heading: ({ tokens, depth }) => `<h${depth} class="x">${tokens[0].raw}</h${depth}>` },
})

export default () =>
  marked.parse('# Title\n\n- [x] done\n- `code` & **bold**\n\n|a|b|\n|-|-:|\n|1|2|\n\n```js\nconst a = 1 < 2\n```\n')

import Handlebars from 'handlebars'

Handlebars.registerHelper('upper', (text) => text.toUpperCase())
Handlebars.registerPartial('line', '<li>{{upper name}} {{#if note}}({{note}}){{/if}}</li>')

export default () =>
  Handlebars.compile('<ul>{{#each items as |item|}}{{> line item}}{{else}}none{{/each}}</ul>{{{raw}}}')({
    items: [{ name: 'a<b' }, { name: 'c', note: 'd' }],
    raw: '<hr>',
  })

import * as cheerio from 'cheerio/slim'
import { load } from 'cheerio'

export default () => {
  const $ = load('<ul class=list><li>one<li class="x">two &amp; more</ul><p>end')
  $('li.x').after('<li data-n="3">three</li>').attr('title', 'a "b"')
  const xml = cheerio.load('<a><b n="1"/><b n="2">t</b></a>', { xml: true })
  return [
    $('li')
      .map((_, li) => $(li).text())
      .get(),
    $('ul').html(),
    $.extract({ items: ['li'], last: '[data-n]' }),
    xml('b[n=2]').text(),
    xml.xml(),
  ]
}

import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser'

export default () => {
  const xml =
    '<?xml version="1.0"?><feed lang="en"><item id="1">a &amp; b</item><item id="2"><![CDATA[<c>]]></item></feed>'
  const options = { ignoreAttributes: false, attributeNamePrefix: '@', cdataPropName: '#cdata' }
  const parsed = new XMLParser(options).parse(xml)
  return [parsed, new XMLBuilder(options).build(parsed), XMLValidator.validate('<a><b></a>').err.code]
}

import { answering, granted } from '../web.ts'

/** The front end: files that were stored as blobs under `shop/`, with their types and etags. */
export default answering(async (request, context) => {
  const blobs = granted(context.blobs, 'blobs')
  const file = context.params?.['file'] || 'index.html'
  const blob = await blobs.get(`shop/${file}`)
  if (blob === null) return new Response('there is no such page', { status: 404 })
  const headers = { 'content-type': blob.contentType, etag: `"${blob.etag}"`, 'cache-control': 'no-cache' }
  if (request.headers.get('if-none-match') === headers.etag) return new Response(null, { status: 304, headers })
  return new Response(await blob.bytes(), { headers })
})

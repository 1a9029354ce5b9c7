/** Reads at most `maxBytes`; null when there is more. Content-Length is believed only for saying no early: node's
 *  parser holds a body to it, and chunked bodies are counted as they come. */
export const readBody = async (request: Request, maxBytes: number): Promise<Uint8Array | null> => {
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    if (!/^\d{1,12}$/.test(declared) || Number(declared) > maxBytes) return null
    return new Uint8Array(await request.arrayBuffer())
  }
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    total += chunk.byteLength
    if (total > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, total)
}

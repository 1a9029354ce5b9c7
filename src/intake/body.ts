import type { IncomingMessage } from 'node:http'

/** Reads at most `maxBytes`. Content-Length is believed only for saying no early: node's parser holds a body to it, and
 *  chunked bodies are counted as they come. `cut off`: the caller went away before the end. */
export const readBody = (
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array | 'too large' | 'cut off'> => {
  const declared = incoming.headers['content-length']
  if (declared !== undefined && !(Number(declared) <= maxBytes)) return Promise.resolve('too large')
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let total = 0
    const done = (body: Uint8Array | 'too large' | 'cut off'): void => {
      incoming.off('data', take).off('end', whole).off('close', gone)
      resolve(body)
    }
    const take = (chunk: Buffer): void => {
      total += chunk.length
      chunks.push(chunk)
      if (total <= maxBytes) return
      incoming.pause()
      done('too large')
    }
    const whole = (): void => done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, total))
    const gone = (): void => done('cut off')
    // Without a listener the error that tells of a cut-off body would end the process.
    incoming.on('error', gone)
    incoming.on('data', take).once('end', whole).once('close', gone)
  })
}

import { connect, type Socket } from 'node:net'

export interface Load {
  readonly port: number
  readonly connections: number
  /** How many requests in all. */
  readonly total: number
  /** The bytes of request `n`, as a latin1 string: each character is one byte. */
  readonly request: (n: number) => string
  /** Whether an answer is as it should be; only the head is looked at unless this is given. */
  readonly isGood?: (body: Buffer) => boolean
}

export interface LoadResult {
  readonly seconds: number
  readonly perSecond: number
  readonly latenciesMs: Float64Array
  /** Answers that were not 200, or not good. */
  readonly bad: number
  /** Share of one core this process used itself: near 1, the client is what was measured. */
  readonly clientLoad: number
}

interface Answer {
  readonly status: number
  readonly bodyAt: number
  readonly end: number
}

/** One answer with a Content-Length; null while it is incomplete. */
const readAnswer = (data: Buffer): Answer | null => {
  const headEnd = data.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const head = data.toString('latin1', 0, headEnd)
  const length = /\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`an answer without a length: ${head}`)
  const bodyAt = headEnd + 4
  const end = bodyAt + Number(length)
  return data.length < end ? null : { status: Number(head.slice(9, 12)), bodyAt, end }
}

/** A lean HTTP/1.1 client: keep-alive connections, one request at a time on each, the next as soon as one is answered.
 *  `fetch` would cost more than the server that is measured. */
export const runLoad = async (load: Load): Promise<LoadResult> => {
  const latenciesMs = new Float64Array(load.total)
  let next = 0
  let bad = 0
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(load.port)))
  const used = process.cpuUsage()
  const startMs = performance.now()
  await Promise.all(sockets.map((socket) => pump(socket)))
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(used)
  for (const socket of sockets) socket.destroy()
  return { seconds, perSecond: load.total / seconds, latenciesMs, bad, clientLoad: (user + system) / 1e6 / seconds }

  function pump(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      let at = -1
      let sentMs = 0
      let rest: Buffer | null = null
      const ask = (): void => {
        if (next >= load.total) {
          resolve()
          return
        }
        at = next++
        const bytes = load.request(at)
        sentMs = performance.now()
        socket.write(bytes, 'latin1')
      }
      socket.on('data', (chunk: Buffer) => {
        const data: Buffer = rest === null ? chunk : Buffer.concat([rest, chunk])
        const answer = readAnswer(data)
        rest = answer === null ? data : null
        if (answer === null) return
        latenciesMs[at] = performance.now() - sentMs
        if (answer.status !== 200 || load.isGood?.(data.subarray(answer.bodyAt, answer.end)) === false) bad++
        ask()
      })
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed a connection')))
      ask()
    })
  }
}

const open = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export const token = '7000000001:fake-Token_for-tests-AAAAAAAAAAAAAAAAAA'

export interface BotApi {
  readonly base: string
  /** Texts sent to a chat so far. */
  readonly sentTo: (chat: string) => readonly string[]
  /** Resolves when the offset has passed this id; rejects when it has stood still for half a minute. */
  readonly passed: (updateId: number) => Promise<void>
  readonly offset: () => number
  readonly close: () => Promise<void>
}

interface Batch {
  /** The whole body of the answer. */
  readonly body: string
  /** The highest id in it that is one. Null: there is none, so the batch comes again. */
  readonly lastId: number | null
}

const stillMs = 30_000

/** As much of a Bot API server as polling needs; what it hands out is not its own. Each batch is handed out until the
 *  offset passes it, as the real one does; a batch without any id only once, or nobody would ever get past it. */
export const startBotApi = async (next: () => Batch | null): Promise<BotApi> => {
  const sent: { readonly chat: string; readonly text: string }[] = []
  const waiting: { readonly id: number; readonly done: () => void; readonly failed: (error: Error) => void }[] = []
  let current: Batch | null = null
  let offset = 0
  let movedMs = Date.now()

  const poll = (asked: number): string => {
    if (asked > offset) movedMs = Date.now()
    offset = Math.max(offset, asked)
    for (const one of waiting.splice(0)) {
      if (offset > one.id) one.done()
      else waiting.push(one)
    }
    if (current === null || current.lastId === null || offset > current.lastId) current = next()
    return current?.body ?? '{"ok":true,"result":[]}'
  }

  const resultOf = (method: string, params: Record<string, unknown>): unknown => {
    if (method === 'getMe') return { id: 7_000_000_001, is_bot: true, first_name: 'Desk', username: 'render_desk_bot' }
    if (!method.startsWith('send') && !method.startsWith('edit')) return true
    sent.push({ chat: String(params.chat_id), text: String(params.text ?? '') })
    return { message_id: sent.length, date: 1, chat: { id: Number(params.chat_id), type: 'private' } }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const method = request.url?.split('/').at(-1) ?? ''
      const text = Buffer.concat(chunks).toString('utf8')
      const params = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
      const answer = (body: string): void =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      if (method !== 'getUpdates') return answer(JSON.stringify({ ok: true, result: resultOf(method, params) }))
      const body = poll(Number(params.offset ?? 0))
      if (body.length > 30) answer(body)
      else setTimeout(() => answer(body), 50)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const watch = setInterval(() => {
    if (Date.now() - movedMs < stillMs) return
    for (const one of waiting.splice(0)) one.failed(new Error('the offset does not move on'))
  }, 1000)
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sentTo: (chat) => sent.filter((one) => one.chat === chat).map(({ text }) => text),
    passed: (id) => new Promise((done, failed) => (offset > id ? done() : waiting.push({ id, done, failed }))),
    offset: () => offset,
    close: () => {
      clearInterval(watch)
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

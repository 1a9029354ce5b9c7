import { readdirSync, readFileSync } from 'node:fs'
import { startFeishu } from '../platforms/feishu.ts'
import { mainApp, v2 } from '../platforms/feishu-events.ts'
import { type WireFrame, writeFrame } from '../platforms/feishu-frames.ts'
import { mutateBytes } from './bytes.ts'
import { damageJson } from './damage.ts'
import { helpOf, rates, seeds, varyFeishu } from './feishu.ts'
import type { Random } from './random.ts'
import type { StreamTarget } from './stream.ts'
import { inSettings } from './target.ts'
import { binaryFrame, messageOf } from './ws.ts'

const golden = new URL('../golden/feishu/', import.meta.url)

/** As they were recorded: events, presses, parts, pongs, and one that is cut off. */
const frames = readdirSync(golden)
  .filter((name) => name.startsWith('ws.'))
  .map((name) => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { frame?: { base64: string } })
  .flatMap(({ frame }) => (frame ? [Buffer.from(frame.base64, 'base64')] : []))

const around = (payload: Buffer, headers: Readonly<Record<string, string>>, n: number): WireFrame => ({
  seq: BigInt(n),
  log: 2n ** 63n - 806n,
  service: 33554678,
  method: 1,
  headers: { type: 'event', message_id: `fuzz-${n}`, sum: '1', seq: '0', trace_id: `fuzz-${n}`, ...headers },
  payload,
})

const oddNumbers = ['', '0', '-1', '1', '2', '1.5', '1e3', '1000', '1001', '999999', '9999999', 'NaN', ' 1', '１']
const oddHeaders = ['type', 'message_id', 'sum', 'seq', '__proto__', 'constructor', '', 'x'.repeat(3000)]

const withOddHeader = (frame: WireFrame, random: Random): WireFrame => {
  const name = random.pick(oddHeaders)
  // Not by assignment, which would change the prototype here.
  const odd = Object.fromEntries([[name, random.pick([...oddNumbers, 'card', 'pong', 'x'.repeat(5000), '__proto__'])]])
  const { [name]: _, ...without } = frame.headers
  return {
    ...frame,
    headers: random.chance(0.2) ? without : Object.defineProperties(without, Object.getOwnPropertyDescriptors(odd)),
  }
}

/** Two to five parts, of which some are missing, come twice, or belong to another whole. */
const parts = (payload: Buffer, n: number, random: Random): readonly Buffer[] => {
  const sum = 2 + random.below(4)
  const size = Math.ceil(payload.length / sum)
  const all = Array.from({ length: sum }, (_, i) =>
    around(payload.subarray(i * size, (i + 1) * size), { sum: String(sum), seq: String(i) }, n),
  )
  const one = random.below(sum)
  const kinds = [
    () => all,
    () => all.toReversed(),
    () => all.filter((_, i) => i !== one),
    () => [...all, all[one]!],
    () => all.map((frame, i) => (i === one ? withOddHeader(frame, random) : frame)),
    () => all.map((frame, i) => (i === one ? { ...frame, payload: mutateBytes(frame.payload, random) } : frame)),
  ]
  return random.pick(kinds)().map(writeFrame)
}

const varint = (bytes: number, last: number): Buffer => Buffer.from([...Array(bytes).fill(0xff), last])
const required = writeFrame({ seq: 1n, log: 1n, service: 1, method: 1, headers: {}, payload: Buffer.alloc(0) })

/** Bytes that are nearly protobuf. */
const crooked = (random: Random): Buffer => {
  const header = Buffer.from([0x2a, 0x04, 0x0a, 0x00, 0x12, 0x00])
  return random.pick([
    () => Buffer.concat([required, Buffer.from([0x08]), varint(9, 0x01)]),
    () => Buffer.concat([required, Buffer.from([0x08]), varint(12, 0x01)]),
    () => Buffer.concat([required, Buffer.from([0x42]), varint(9, 0x01)]),
    () => Buffer.concat([required, Buffer.from([0x42]), varint(4, 0x07), Buffer.from('x')]),
    () => Buffer.concat([required, Buffer.from([random.pick([0x0b, 0x0c, 0x0e, 0x0f, 0x00, 0x07])])]),
    () => Buffer.concat([required, ...Array(random.pick([99, 100, 101, 5000])).fill(header)]),
    () => Buffer.concat([required, Buffer.from([0x2a, 0x02, 0x0a, 0x7f])]),
    () => Buffer.concat([required, Buffer.from([0x18]), varint(9, 0x01), Buffer.from([0x20]), varint(9, 0x01)]),
    () => Buffer.concat([required, Buffer.from([0x20, random.below(128)])]),
    () => Buffer.concat([required, Buffer.from([0x0a, 0x01, 0x00])]),
    () => required.subarray(0, random.below(required.length)),
    () => Buffer.concat(Array(200).fill(required)),
  ])()
}

/** What the platform tells about pings and reconnecting. */
const config = Buffer.from('{"ReconnectCount":-1,"ReconnectInterval":1,"ReconnectNonce":0,"PingInterval":120}')

const damaged = (n: number, random: Random): { readonly kind: string; readonly all: readonly Buffer[] } => {
  const dice = random.below(100)
  const payload = (): Buffer => damageJson(varyFeishu(random.pick(seeds), random, n), random)
  if (dice < 50) return { kind: 'payload', all: [writeFrame(around(payload(), {}, n))] }
  if (dice < 60) return { kind: 'headers', all: [writeFrame(withOddHeader(around(payload(), {}, n), random))] }
  if (dice < 75) return { kind: 'parts', all: parts(payload(), n, random) }
  if (dice < 80) return { kind: 'protobuf', all: [crooked(random)] }
  if (dice < 85) {
    const told = { ...around(damageJson(config, random), { type: random.pick(['pong', 'ping', 'x']) }, n), method: 0 }
    return { kind: 'control', all: [writeFrame(told)] }
  }
  return { kind: 'bytes', all: [mutateBytes(random.pick(frames), random)] }
}

/** The long connection of Feishu, with frames of protobuf. */
export const openFeishuConnection = async (): Promise<StreamTarget> => {
  const fake = await startFeishu({ mode: 'websocket' })
  const { chat } = fake.places.dm
  return {
    name: 'feishu-connection',
    settings: { ...inSettings('FEISHU', fake.settings), ...rates },
    secrets: fake.secrets,
    server: fake.api.server,
    damage: (n, random) => {
      const { kind, all } = damaged(n, random)
      // Bytes, whatever they are; now and then packed or much longer.
      return { kind, messages: all.map((payload) => ({ ...messageOf(payload, random), isBinary: true })) }
    },
    mark: (n) => {
      const event = v2(mainApp, `mark-${n}`, 'im.chat.updated_v1', Date.now(), {})
      return binaryFrame(writeFrame(around(Buffer.from(JSON.stringify(event)), { message_id: `mark-${n}` }, n)))
    },
    marked: (n) => fake.sockets.acks().some(({ headers }) => headers.message_id === `mark-${n}`),
    endings: [
      { name: 'closed by the server', act: () => fake.sockets.drop() },
      { name: 'cut', act: () => fake.sockets.drop('hard') },
      {
        name: 'refused at first',
        connections: 3,
        act: async () => {
          fake.sockets.refuse(503)
          fake.sockets.drop()
          await new Promise((resolve) => setTimeout(resolve, 1500))
          fake.sockets.refuse(null)
        },
      },
    ],
    renewals: () => 0,
    ask: (n) => void fake.deliver(helpOf(`ask-${n}`, chat)),
    answers: () => fake.shown().filter(({ place, text }) => place.chat === chat && text.includes('/help')).length,
    calls: () => fake.calls().length,
    close: fake.close,
  }
}

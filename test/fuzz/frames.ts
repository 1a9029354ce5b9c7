import type { Random } from './random.ts'

/** Bytes on a connection, written piece by piece. */
export interface Frame {
  readonly pieces: readonly Buffer[]
  /** What kind of trouble it is, for the count. */
  readonly kind: string
  /** A well-formed request: the connection can be used again, and an answer must come. */
  readonly sound: boolean
  /** Hang up at once instead of waiting for an answer. */
  readonly leave?: boolean
}

export interface Post {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The header that proves who sends. */
  readonly proof: string
}

const headOf = (method: string, path: string, headers: readonly (readonly [string, string])[]): Buffer =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    'latin1',
  )

const listed = (headers: Readonly<Record<string, string>>): [string, string][] => Object.entries(headers)
const length = (body: Buffer): [string, string] => ['Content-Length', String(body.length)]

const plain = (post: Post, headers = listed(post.headers), method = 'POST', path = post.path): readonly Buffer[] => [
  Buffer.concat([headOf(method, path, [...headers, length(post.body)]), post.body]),
]

const chunked = (post: Post, random: Random): readonly Buffer[] => {
  const chunks: Buffer[] = []
  for (let at = 0; at < post.body.length; ) {
    const piece = post.body.subarray(at, at + 1 + random.below(2000))
    chunks.push(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]))
    at += piece.length
  }
  return [
    headOf('POST', post.path, [...listed(post.headers), ['Transfer-Encoding', 'chunked']]),
    ...chunks,
    Buffer.from('0\r\n\r\n'),
  ]
}

const oddValues = [
  '',
  ' ',
  'x'.repeat(5000),
  'x'.repeat(20_000),
  '\x80\xff',
  '0',
  'undefined',
  '__proto__',
  '%0d%0a',
  ', ,',
]
const oddNames = [
  'X-Request-Id',
  'Content-Type',
  'Content-Encoding',
  'Accept',
  'Expect',
  'Upgrade',
  'Cookie',
  '__proto__',
]

/** Headers with one of them missing, doubled, odd or far too long. */
const oddHeaders = (post: Post, random: Random): readonly (readonly [string, string])[] => {
  const headers = listed(post.headers)
  const at = random.below(headers.length)
  const kinds = [
    () => headers.filter((_, i) => i !== at),
    () => [...headers, headers[at]!],
    () => [...headers, [random.pick(oddNames), random.pick(oddValues)] as const],
    () => headers.map(([name, value]) => [name, name === post.proof ? random.pick(oddValues) : value] as const),
    () => headers.map(([name, value]) => [name, name === post.proof ? value.slice(1) : value] as const),
    () => [...headers, ...Array.from({ length: 150 }, (_, i) => [`X-Many-${i}`, String(i)] as const)],
  ]
  return random.pick(kinds)()
}

const broken = (post: Post, random: Random): readonly Buffer[] => {
  const whole = plain(post)[0] ?? Buffer.alloc(0)
  const kinds = [
    () => [whole.subarray(0, random.below(whole.length))],
    () => [Buffer.from(Array.from({ length: 200 }, () => random.below(256)))],
    () => [
      headOf('POST', post.path, [['Content-Length', String(post.body.length + 500)], ...listed(post.headers)]),
      post.body,
    ],
    () => [headOf('POST', post.path, [['Content-Length', '5'], ...listed(post.headers)]), post.body],
    () => [headOf('POST', post.path, [...listed(post.headers), length(post.body), ['Content-Length', '1']]), post.body],
    () => [headOf('POST', post.path, [...listed(post.headers), ['Content-Length', '-1']]), post.body],
    () => [headOf('POST', post.path, [...listed(post.headers), ['Content-Length', '1e3']]), post.body],
    () => [
      headOf('POST', post.path, [...listed(post.headers), ['Transfer-Encoding', 'chunked']]),
      Buffer.from('zz\r\n'),
    ],
    () => [headOf('POST', post.path, [...listed(post.headers), ['Transfer-Encoding', 'gzip, chunked']]), post.body],
    () => [Buffer.from(`POST ${post.path} HTTP/9.9\r\n\r\n`)],
    () => [Buffer.from(`POST ${post.path}\x00 HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1')],
  ]
  return random.pick(kinds)()
}

const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']
const oddPaths = [
  '/',
  '/kakao',
  '//',
  '/%',
  '/%00',
  '/../../etc/passwd',
  '/media/x',
  `/${'a'.repeat(3000)}`,
  '/__proto__',
  '*',
]

/** Wraps a body in HTTP: mostly as it should be, now and then not. `tooLong` is more than the webhook takes. */
export const frame = (post: Post, tooLong: number, random: Random): Frame => {
  const dice = random.below(100)
  if (dice < 66) return { kind: 'plain', sound: true, pieces: plain(post) }
  if (dice < 80) return { kind: 'chunked', sound: true, pieces: chunked(post, random) }
  if (dice < 84) return { kind: 'method', sound: true, pieces: plain(post, listed(post.headers), random.pick(methods)) }
  if (dice < 87) {
    const path = random.pick([...oddPaths, `${post.path}/`, `${post.path}?a=%zz&b`])
    return { kind: 'path', sound: false, pieces: plain(post, listed(post.headers), 'POST', path) }
  }
  if (dice < 94)
    return {
      kind: 'headers',
      sound: false,
      pieces: plain(
        post,
        [...oddHeaders(post, random)].map(([a, b]) => [a, b]),
      ),
    }
  if (dice < 96) {
    const long: Post = { ...post, body: Buffer.concat([post.body, Buffer.alloc(tooLong, 0x20)]) }
    return { kind: 'too long', sound: false, pieces: random.chance(0.5) ? plain(long) : chunked(long, random) }
  }
  if (dice < 98) return { kind: 'hung up', sound: false, leave: true, pieces: plain(post) }
  return { kind: 'broken', sound: false, pieces: broken(post, random) }
}

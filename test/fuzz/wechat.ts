import { readdirSync, readFileSync } from 'node:fs'
import { type Account, seal, sha1Of, unseal } from '../platforms/wechat-crypt.ts'
import { fieldOf, readPassive, readXml } from '../platforms/wechat-rules.ts'
import { mutateBytes } from './bytes.ts'
import { damageXml } from './damage.ts'
import type { Post } from './frames.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'
import { mutateXml } from './xml.ts'

const golden = new URL('../golden/wechat/', import.meta.url)
const seeds = readdirSync(golden)
  .filter((name) => name.endsWith('.xml') && !/^(?:encrypted-(?!text\.plain)|reply-)/.test(name))
  .map((name) => readFileSync(new URL(name, golden)))

const account: Account = {
  token: 'FakeWechatToken',
  aesKey: 'FakeEncodingAESKeyForTestsOnlyNotARealKey00',
  appId: 'wxfaketestappid01',
}
const path = '/wechat/webhook'
const ours = 'gh_fakeaccount1'
const nowS = (): number => Math.floor(Date.now() / 1000)

/** A query with something missing, doubled, odd, old or not signed. */
const spoilt = (query: URLSearchParams, random: Random): void => {
  const name = random.pick([...query.keys()])
  const kinds = [
    () => query.delete(name),
    () => query.append(name, query.get(name) ?? ''),
    () => query.set(name, random.pick(['', '0', '-1', '1e9', 'x'.repeat(3000), '\u0000', '__proto__', 'aes', 'raw'])),
    () => query.set(name, (query.get(name) ?? '').slice(1)),
    () => query.set('encrypt_type', random.pick(['aes', 'raw', 'AES', ''])),
    () => query.set('echostr', '<script>'),
  ]
  random.pick(kinds)()
}

const postOf = (body: Buffer, n: number, random: Random, encrypted: string | null): Post => {
  // Some bring a nonce again, with another body.
  const [stamp, nonce] = [String(nowS()), String(random.chance(0.03) ? 7 : n + 10)]
  const query = new URLSearchParams({ signature: sha1Of([account.token, stamp, nonce]), timestamp: stamp, nonce })
  if (encrypted !== null) {
    query.set('encrypt_type', 'aes')
    query.set('msg_signature', sha1Of([account.token, stamp, nonce, encrypted]))
  }
  if (random.chance(0.08)) spoilt(query, random)
  const proof = 'Content-Type'
  return { path: `${path}?${query}`, headers: { [proof]: 'text/xml' }, proof, body }
}

const envelope = (encrypted: string): string =>
  `<xml><ToUserName><![CDATA[${ours}]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`

/** Mostly the damaged message, well encrypted and signed; now and then what is around it is damaged too. */
const sealedPost = (body: Buffer, n: number, random: Random): Post => {
  const encrypted = seal(Buffer.from(body), account)
  if (!random.chance(0.25)) return postOf(Buffer.from(envelope(encrypted)), n, random, encrypted)
  if (random.chance(0.4)) return postOf(Buffer.from(mutateXml(envelope(encrypted), random)), n, random, encrypted)
  if (random.chance(0.2)) return postOf(body, n, random, random.chance(0.5) ? encrypted : null)
  // Signed by somebody who knows the token, and no ciphertext of the account.
  const broken = random.chance(0.5)
    ? mutateBytes(Buffer.from(encrypted), random)
        .toString('latin1')
        .replaceAll(/[<&\]]/g, '')
    : mutateBytes(Buffer.from(encrypted, 'base64'), random).toString('base64')
  return postOf(Buffer.from(envelope(broken)), n, random, broken)
}

/** What WeChat would not show of an answer, whoever it is for. */
const wrongWith =
  (mode: 'plain' | 'safe') =>
  (body: string): string | null => {
    if (body === 'success') return null
    try {
      const outer = readXml(body)
      const opened = mode === 'safe' ? unseal(fieldOf(outer, 'Encrypt'), account) : { text: body }
      if ('problem' in opened) return opened.problem
      const root = readXml(opened.text)
      const [person, ours] = [fieldOf(root, 'ToUserName'), fieldOf(root, 'FromUserName')]
      const reading = readPassive({ status: 200, headers: {}, body }, { person, ours, mode, account })
      return reading.kind === 'error' ? reading.problems.join(', ') : null
    } catch (error) {
      return String(error)
    }
  }

const openMode = (mode: 'plain' | 'safe'): Target => ({
  name: mode === 'plain' ? 'wechat' : 'wechat-safe',
  settings: {
    WECHAT_TOKEN: account.token,
    ...(mode === 'safe' ? { WECHAT_ENCODING_AES_KEY: account.aesKey, WECHAT_APP_ID: account.appId } : {}),
  },
  secrets: [account.token, account.aesKey],
  maxBytes: 65_536,
  post: (body, n, random) => (mode === 'safe' ? sealedPost(body, n, random) : postOf(body, n, random, null)),
  seeds,
  vary: (body, random, n) =>
    Buffer.from(
      body
        .toString('latin1')
        .replaceAll(/oTestOpenId_\w+/g, `oTestOpenId_${random.below(2000).toString().padStart(16, '0')}`)
        .replaceAll(/<CreateTime>\d+/g, `<CreateTime>${nowS()}`)
        .replaceAll(/<MsgId>\d+/g, `<MsgId>${24_812_346_000_000_000n + BigInt(random.chance(0.05) ? 1 : n)}`),
      'latin1',
    ),
  damage: damageXml,
  help: Buffer.from(
    `<xml><ToUserName>${ours}</ToUserName><FromUserName>oTestOpenId_helper</FromUserName><CreateTime>${nowS()}</CreateTime>` +
      `<MsgType>text</MsgType><Content>/help</Content><MsgId>1</MsgId></xml>`,
  ),
  helped: (answer) => {
    if (mode === 'plain') return answer.includes('/help')
    const opened = answer.startsWith('<') ? unseal(fieldOf(readXml(answer), 'Encrypt'), account) : { problem: answer }
    return 'text' in opened && opened.text.includes('/help')
  },
  wrong: wrongWith(mode),
  calls: () => 0,
  close: async () => {},
})

export const openWechat = async (): Promise<Target> => openMode('plain')
/** The damage is inside of what is encrypted. */
export const openSafeWechat = async (): Promise<Target> => openMode('safe')

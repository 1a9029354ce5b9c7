import { join } from 'node:path'
import { type Account, seal, sha1Of, unseal } from '../platforms/wechat-crypt.ts'
import { fieldOf, readXml } from '../platforms/wechat-rules.ts'
import { startDaemon } from './daemon.ts'
import { runLoad } from './load.ts'
import { type Measure, ms, perSecond } from './row.ts'
import { median, percentile } from './stats.ts'

const connections = 32
const people = 5000
const ours = 'gh_fakeaccount1'
const account: Account = {
  token: 'FakeWechatToken',
  aesKey: 'FakeEncodingAESKeyForTestsOnlyNotARealKey00',
  appId: 'wxfaketestappid01',
}

/** Of a daemon with this account, in safe mode. */
export const wechat: Readonly<Record<string, string>> = {
  WECHAT_TOKEN: account.token,
  WECHAT_ENCODING_AES_KEY: account.aesKey,
  WECHAT_APP_ID: account.appId,
}

const openIdOf = (person: number): string => `oTestOpenId_${person.toString().padStart(16, '0')}`

/** A push of WeChat in safe mode as bytes in a latin1 string. */
const push = (person: number, messageId: string, nonce: string, text: string): string => {
  const stamp = String(Math.floor(Date.now() / 1000))
  const encrypted = seal(
    `<xml><ToUserName><![CDATA[${ours}]]></ToUserName><FromUserName><![CDATA[${openIdOf(person)}]]></FromUserName>` +
      `<CreateTime>${stamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${text}]]></Content>` +
      `<MsgId>${messageId}</MsgId></xml>`,
    account,
  )
  const body = `<xml><ToUserName><![CDATA[${ours}]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`
  const query = new URLSearchParams({
    signature: sha1Of([account.token, stamp, nonce]),
    timestamp: stamp,
    nonce,
    encrypt_type: 'aes',
    msg_signature: sha1Of([account.token, stamp, nonce, encrypted]),
  })
  const head = [`POST /wechat/webhook?${query} HTTP/1.1`, 'Host: 127.0.0.1', 'Content-Type: text/xml']
  return [...head, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n')
}

/** (h) Help on WeChat in safe mode: decrypted, kept, answered in the open request, encrypted. */
export const measurePassive: Measure = async ({ quick, dir, backend, say }) => {
  const daemon = await startDaemon({ dir: join(dir, 'daemon'), backend, settings: wechat })
  const rates: number[] = []
  const p99s: number[] = []
  const rounds = quick ? 3 : 9
  let made = 0
  for (let round = 0; round <= rounds; round++) {
    const result = await runLoad({
      port: daemon.port,
      connections,
      total: quick ? 1500 : 6000,
      request: (n) => push(n % people, String(24_812_346_000_000_000n + BigInt(made++)), `h${made}`, '/help'),
      // Opening each of them would cost the client as much as the daemon.
      isGood: (body) => (made % 500 === 0 ? isHelp(body) : body.includes('<Encrypt>')),
    })
    if (result.bad > 0) throw new Error(`${result.bad} answers were wrong`)
    say(`  ${perSecond(result.perSecond)}, client at ${Math.round(result.clientLoad * 100)} % of a core`)
    if (round === 0) continue
    rates.push(result.perSecond)
    p99s.push(percentile(result.latenciesMs, 0.99))
  }
  await daemon.stop()
  return [
    {
      name: `h  WeChat /help inline, safe mode, kept durably, ${connections} connections`,
      figure: `${perSecond(median(rates))}, p99 ${ms(median(p99s))}`,
      target: 'none',
      pass: null,
    },
  ]
}

const isHelp = (body: Buffer): boolean => {
  const opened = unseal(fieldOf(readXml(body.toString('utf8')), 'Encrypt'), account)
  return 'text' in opened && opened.text.includes('/help')
}

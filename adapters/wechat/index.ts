import { randomBytes } from 'node:crypto'
import { defineAdapter } from '../../src/contract/index.ts'
import { listenEnv, webhookAt } from '../kit/webhook.ts'
import { openClient } from './connect.ts'
import { type Cipher, cipherOf } from './crypt.ts'
import { answerMs, makeDeliveries } from './deliveries.ts'
import { makeDownload } from './download.ts'
import { makeInline } from './inline.ts'
import { capabilities } from './limits.ts'
import { makeNonces } from './nonces.ts'
import { probeSetup } from './probe.ts'
import { makeReceive } from './receive.ts'
import { makeRights } from './rights.ts'
import { sender } from './send.ts'
import { makeUploads } from './uploads.ts'
import { maxBytes, openGate } from './xml.ts'

const aesKey = /^[A-Za-z0-9]{43}$/

export default defineAdapter({
  id: 'wechat',
  env: {
    TOKEN: {
      kind: 'text',
      about: 'Token of the message push settings; it signs every request',
      secret: true,
      matches: /^[!-~]{3,64}$/,
    },
    ENCODING_AES_KEY: {
      kind: 'text',
      about: 'EncodingAESKey of the message push settings, for the safe and the compatible mode; needs APP_ID',
      secret: true,
      matches: aesKey,
    },
    ENCODING_AES_KEY_PREVIOUS: {
      kind: 'text',
      about: 'The EncodingAESKey before, while it is being changed',
      secret: true,
      matches: aesKey,
    },
    APP_ID: { kind: 'text', about: 'AppID of the account', matches: /^[\w-]{1,64}$/ },
    APP_SECRET: {
      kind: 'text',
      about: 'AppSecret; with it results and pictures are sent when they are there, on verified accounts',
      secret: true,
      matches: /^[!-~]+$/,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: OpenIDs (ask with /whoami)',
      trust: 'users',
    },
    ...listenEnv(8097, '/wechat/webhook', 'Path of the server URL'),
    API_BASE: { kind: 'url', about: 'API server, for a proxy', fallback: 'https://api.weixin.qq.com' },
  },
  activation: [['TOKEN']],
  capabilities,
  operator: null,
  provenBy: null,
  create: (settings, deps) => {
    const { now, log, fetch } = deps
    const { TOKEN: token = '', APP_ID: appId, APP_SECRET: appSecret } = settings
    const keys = [settings.ENCODING_AES_KEY, settings.ENCODING_AES_KEY_PREVIOUS].filter((key) => key !== undefined)
    if (keys.length > 0 && appId === undefined)
      throw new Error(
        'OPENCLAW_CONNECTOR_WECHAT_ENCODING_AES_KEY needs OPENCLAW_CONNECTOR_WECHAT_APP_ID: the AppID is inside every encrypted message',
      )
    const gate = openGate()
    const account = appId ?? 'default'
    const ciphers = keys.map((key) => cipherOf(key, appId ?? ''))
    let latest: Cipher | null = ciphers[0] ?? null
    const apiBase = settings.API_BASE.replace(/\/+$/, '')
    const canCall = appId !== undefined && appSecret !== undefined
    const client = openClient({ apiBase, appId: appId ?? '', appSecret: appSecret ?? '', fetch, now })
    const rights = makeRights(canCall ? account : null, deps)
    const uploads = makeUploads(client, deps)
    const { send, typing } = sender({ client, uploads, rights }, deps)
    return {
      account,
      intakes: [
        webhookAt(settings, {
          methods: ['GET', 'POST'],
          types: ['text/xml', 'application/xml'],
          maxBytes,
          inlineMs: answerMs,
          receive: makeReceive({
            account,
            token,
            ciphers,
            use: (cipher) => {
              latest = cipher
            },
            commands: new Set([...deps.menu.everyone, ...deps.menu.admin].map(({ command }) => `/${command}`)),
            gate,
            nonces: makeNonces(now),
            deliveries: makeDeliveries(now),
            rights,
            now,
            log,
          }),
        }),
      ],
      send,
      edit: null,
      typing,
      pushes: rights.has,
      quota: async () => null,
      inline: makeInline({
        ...deps,
        token,
        cipher: () => latest,
        randomBytes,
        rights,
        known: uploads.known,
      }),
      download: makeDownload(canCall ? client : null, now),
      probe: (signal) => probeSetup(settings, canCall ? client : null, { rights, now }, signal),
    }
  },
})

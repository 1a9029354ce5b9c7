import { defineAdapter } from '../../src/contract/index.ts'
import { listenEnv, webhookAt } from '../kit/webhook.ts'
import { postCallback } from './callback.ts'
import { callbackLifeMs } from './decode.ts'
import { encodePart } from './encode.ts'
import { makeInline } from './inline.ts'
import { makeDownload } from './pictures.ts'
import { probeSetup } from './probe.ts'
import { makeReceive, maxBytes } from './receive.ts'
import { limits } from './wire.ts'

const callbackTimeoutMs = 8_000

/** Kakao gives up at 5 s, whatever is set anywhere (AI chatbot callback guide). */
const longestAnswerMs = 4_500

export default defineAdapter({
  id: 'kakao',
  env: {
    ENABLED: { kind: 'flag', about: 'Take skill requests of a KakaoTalk chatbot', fallback: false },
    WEBHOOK_SECRET: {
      kind: 'text',
      about: 'Value of the header X-Kakao-Webhook-Secret typed into the skill; without it nobody is proven',
      secret: true,
      matches: /^[!-~]+$/,
    },
    BOT_ID: {
      kind: 'text',
      about: 'Refuse requests of any other bot (its development channel, id with !, is taken too)',
      matches: /^[\w-]{1,64}!?$/,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: userRequest.user.id (botUserKey) or plusfriendUserKey',
      trust: 'users',
    },
    ...listenEnv(8096, '/kakao/webhook', 'Path of the skill URL'),
    RESPONSE_TIMEOUT_MS: {
      kind: 'int',
      about: 'Longest wait before a request is answered with "still working"; Kakao itself gives up at 5000',
      fallback: longestAnswerMs,
      min: 500,
      max: longestAnswerMs,
    },
    API_BASE: { kind: 'url', about: 'A further origin to trust for callbacks and pictures, beside Kakao’s own hosts' },
  },
  activation: [['ENABLED']],
  capabilities: {
    name: 'KakaoTalk',
    intakes: ['webhook'],
    text: { max: limits.text, unit: 'utf16', markup: 'plain' },
    media: {
      // Kakao loads a public link; JPEG and PNG up to 2 MB are the values known to be safe.
      image: [
        {
          as: 'image',
          by: 'url',
          maxBytes: 2 * 1024 * 1024,
          mime: ['image/jpeg', 'image/png'],
          caption: 0,
          album: limits.outputs,
        },
      ],
      video: [],
      audio: [],
      file: [],
    },
    call: { items: limits.outputs },
    buttons: { kind: 'type', max: limits.quickReplies, perRow: limits.quickReplies, labelMax: limits.label },
    edit: null,
    typing: null,
    threads: false,
    quotes: false,
    audiences: ['everyone'],
    // The chat has the botUserKey, lists may name the plusfriendUserKey; and nobody can be written to first.
    directByUserId: false,
    answer: { inlineMs: longestAnswerMs, tokenMs: callbackLifeMs, push: 'never', windowMs: null },
    resend: 'marked',
    // Kakao redelivers nothing; proxies and tunnels in front of us repeat within seconds.
    redeliveryMs: 60_000,
    staleAfterMs: null,
    commands: 'none',
    pace: { concurrent: 8, everyMs: 20, perChatMs: 0, perGroupMs: 0, burst: 1 },
    receives: ['image'],
  },
  operator: null,
  provenBy: 'WEBHOOK_SECRET',
  create: (settings, deps) => {
    const { say, now, log, fetch } = deps
    const botId = settings.BOT_ID?.replace(/!$/, '')
    const account = botId ?? 'default'
    const apiBase = settings.API_BASE
    const encode = { say, link: deps.media.link }
    const callback = { fetch, now, apiBase, timeoutMs: callbackTimeoutMs }
    return {
      account,
      intakes: [
        webhookAt(settings, {
          methods: ['POST'],
          maxBytes,
          inlineMs: settings.RESPONSE_TIMEOUT_MS,
          receive: makeReceive({ ...encode, account, secret: settings.WEBHOOK_SECRET, botId, apiBase, now, log }),
        }),
      ],
      send: (part, signal) => postCallback(part.handle, encodePart(part, encode), signal, callback),
      edit: null,
      typing: null,
      pushes: null,
      quota: null,
      inline: makeInline(encode, now),
      download: makeDownload(fetch, apiBase),
      probe: async () => probeSetup(settings),
    }
  },
})

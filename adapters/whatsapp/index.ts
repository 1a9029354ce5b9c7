import { defineAdapter } from '../../src/contract/index.ts'
import { listenEnv, webhookAt } from '../kit/webhook.ts'
import { openGraph } from './client.ts'
import { makeReceive, maxBytes } from './connect.ts'
import { makeDownload } from './download.ts'
import { capabilities } from './limits.ts'
import { makeProbe } from './probe.ts'
import { makeSender } from './send.ts'

const printable = /^[!-~]+$/

export default defineAdapter({
  id: 'whatsapp',
  env: {
    ACCESS_TOKEN: {
      kind: 'text',
      about: 'Access token of the WhatsApp Cloud API, best of a System User (it does not expire)',
      secret: true,
      matches: printable,
    },
    VERIFY_TOKEN: {
      kind: 'text',
      about: 'Word of your own that Meta gives back when it verifies the webhook',
      secret: true,
      matches: printable,
    },
    APP_SECRET: {
      kind: 'text',
      about: 'App secret of the Meta app: every call has to be signed with it; without it the platform is not started',
      secret: true,
      matches: printable,
    },
    ALLOW_UNSIGNED: {
      kind: 'flag',
      about: 'Start without the app secret all the same; nobody is proven then',
      fallback: false,
    },
    PHONE_NUMBER_ID: {
      kind: 'text',
      about: 'Id of the phone number that answers (not the number itself)',
      matches: /^\d{1,32}$/,
      example: '200000000000002',
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: phone numbers in digits alone (wa_id), or user ids like US.1234',
      trust: 'users',
      matches: /^(?:\d{3,20}|[A-Z]{2}\.[A-Za-z0-9.]{1,140})$/,
      example: '15550100111,US.90000000000000000002',
    },
    TEMPLATE: {
      kind: 'text',
      about:
        'Approved template that calls a person back after 24 hours of silence when something is ready; Meta charges for it',
      matches: /^[a-z0-9_]{1,512}$/,
      example: 'result_ready',
    },
    TEMPLATE_LANGUAGE: {
      kind: 'text',
      about: 'Language code of that template, as Meta shows it',
      fallback: 'en',
      matches: /^[a-z]{2,3}(?:_[A-Z]{2})?$/,
    },
    ...listenEnv(8098, '/whatsapp/webhook', 'Path of the webhook'),
    API_VERSION: {
      kind: 'text',
      about: 'Version of the Graph API; Meta ends one after about two years',
      fallback: 'v25.0',
      matches: /^v\d{1,3}\.\d{1,2}$/,
    },
    API_BASE: {
      kind: 'url',
      about: 'Graph API, for a proxy; files are fetched from its origin too',
      fallback: 'https://graph.facebook.com',
    },
  },
  activation: [['ACCESS_TOKEN', 'PHONE_NUMBER_ID']],
  capabilities,
  operator: null,
  provenBy: 'APP_SECRET',
  create: (settings, deps) => {
    const { fetch, now, log } = deps
    const { APP_SECRET: appSecret, VERIFY_TOKEN: verifyToken, PHONE_NUMBER_ID: account = '' } = settings
    if (appSecret === undefined && !settings.ALLOW_UNSIGNED)
      throw new Error(
        'OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET is not set, so anybody could pose as anybody: copy it from the Meta app ' +
          '(App settings, Basic), or set OPENCLAW_CONNECTOR_WHATSAPP_ALLOW_UNSIGNED=1 to take unproven senders',
      )
    const apiBase = settings.API_BASE.replace(/\/+$/, '')
    const { TEMPLATE: name, TEMPLATE_LANGUAGE: language } = settings
    const template = name === undefined ? null : { name, language: { code: language } }
    const graph = openGraph({
      token: settings.ACCESS_TOKEN ?? '',
      appSecret,
      verifyToken,
      base: `${apiBase}/${settings.API_VERSION}`,
      fetch,
      now,
    })
    return {
      account,
      intakes: [
        webhookAt(settings, {
          methods: ['GET', 'POST'],
          maxBytes,
          inlineMs: null,
          receive: makeReceive({ account, appSecret, verifyToken, log }),
        }),
      ],
      ...makeSender({ ...deps, graph, account, template }),
      edit: null,
      pushes: null,
      quota: null,
      inline: null,
      download: makeDownload(graph, account, apiBase),
      probe: makeProbe({ graph, account, appSecret, verifyToken, path: settings.PATH, now }),
    }
  },
})

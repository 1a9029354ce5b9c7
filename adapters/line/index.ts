import { defineAdapter } from '../../src/contract/index.ts'
import { listenEnv, webhookAt } from '../kit/webhook.ts'
import { apiHost, dataBaseOf, openClient } from './connect.ts'
import { makeDownload } from './download.ts'
import { capabilities } from './limits.ts'
import { probe } from './probe.ts'
import { makeQuota } from './quota.ts'
import { makeReceive, maxBytes } from './receive.ts'
import { sender } from './send.ts'

const secretForm = /^[!-~]+$/
/** One channel a daemon; its ids would be another's anyway, as people have other ids with another provider. */
const account = 'default'

export default defineAdapter({
  id: 'line',
  env: {
    CHANNEL_SECRET: {
      kind: 'text',
      about: 'Channel secret (LINE Developers Console, Basic settings); it proves that LINE is calling',
      secret: true,
      matches: secretForm,
    },
    CHANNEL_ACCESS_TOKEN: {
      kind: 'text',
      about: 'Long-lived channel access token (LINE Developers Console, Messaging API)',
      secret: true,
      matches: secretForm,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: ids beginning with U, as /whoami shows them',
      trust: 'users',
      matches: /^(?:line:)?U[0-9a-f]{32}$/,
    },
    ALLOWED_GROUPS: {
      kind: 'ids',
      about: 'Groups (C…) and rooms (R…) whose members may run without approval',
      trust: 'chats',
      matches: /^(?:line:)?[CR][0-9a-f]{32}$/,
    },
    REQUIRE_MENTION: {
      kind: 'flag',
      about: 'In groups, listen only to messages that mention the bot; otherwise commands with a slash are enough',
      fallback: false,
    },
    ...listenEnv(8099, '/line/webhook', 'Path of the webhook URL'),
    API_BASE: { kind: 'url', about: 'Messaging API server, for a proxy', fallback: apiHost },
    DATA_API_BASE: {
      kind: 'url',
      about: 'Server of what people send; unset: https://api-data.line.me, or API_BASE where that is another one',
    },
  },
  activation: [['CHANNEL_SECRET', 'CHANNEL_ACCESS_TOKEN']],
  capabilities,
  operator: null,
  provenBy: null,
  create: (settings, deps) => {
    const { CHANNEL_SECRET: channelSecret = '', CHANNEL_ACCESS_TOKEN: accessToken = '' } = settings
    // An empty key would prove whatever anybody signs with it.
    if (!secretForm.test(channelSecret) || !secretForm.test(accessToken))
      throw new Error(
        'OPENCLAW_CONNECTOR_LINE_CHANNEL_SECRET and OPENCLAW_CONNECTOR_LINE_CHANNEL_ACCESS_TOKEN are both needed: copy ' +
          'them from the LINE Developers Console',
      )
    const apiBase = settings.API_BASE.replace(/\/+$/, '')
    const dataBase = dataBaseOf(apiBase, settings.DATA_API_BASE?.replace(/\/+$/, ''))
    const client = openClient({ accessToken, apiBase, dataBase, fetch: deps.fetch })
    const quota = makeQuota(client, deps)
    const receive = makeReceive({
      account,
      channelSecret,
      requireMention: settings.REQUIRE_MENTION,
      now: deps.now,
      log: deps.log,
    })
    return {
      account,
      intakes: [webhookAt(settings, { methods: ['POST'], maxBytes, inlineMs: null, receive })],
      ...sender(client, quota, deps),
      edit: null,
      inline: null,
      pushes: quota.pushes,
      quota: quota.read,
      download: makeDownload(client, deps),
      probe: (signal) => probe(client, quota, settings, deps, signal),
    }
  },
})

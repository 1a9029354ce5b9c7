import { defineAdapter, type Intake } from '../../src/contract/index.ts'
import { listenEnv, webhookAt } from '../kit/webhook.ts'
import { openApp } from './app.ts'
import { accountForm, appIdForm, readBindings } from './bindings.ts'
import { longConnection } from './connect.ts'
import { makeDownload } from './download.ts'
import { capabilities } from './limits.ts'
import { makeProbe } from './probe.ts'
import { makeReceive, maxBytes } from './receive.ts'
import { makeSender } from './send.ts'

const printable = /^[!-~]+$/

export default defineAdapter({
  id: 'feishu',
  env: {
    APP_ID: { kind: 'text', about: 'App ID of the app', matches: appIdForm, example: 'cli_a1b2c3d4e5f60718' },
    APP_SECRET: { kind: 'text', about: 'App Secret of the app', secret: true, matches: printable },
    APP_TYPE: {
      kind: 'choice',
      about: 'Whether the app was made for one organisation (custom) or is offered to many (store)',
      options: ['custom', 'store'],
      fallback: 'custom',
    },
    VERIFICATION_TOKEN: {
      kind: 'text',
      about: 'Verification Token: without it nothing is taken by webhook',
      secret: true,
      matches: printable,
    },
    ENCRYPT_KEY: {
      kind: 'text',
      about: 'Encrypt Key, where one is set in the console: then only what is encrypted and signed is taken by webhook',
      secret: true,
      matches: printable,
    },
    ACCOUNT_ID: {
      kind: 'text',
      about: 'Name of our own for the app; its App ID where none is given',
      matches: accountForm,
    },
    DEFAULT_ACCOUNT_ID: {
      kind: 'text',
      about: 'The same for an entry of BINDINGS_JSON that has no account_id',
      matches: accountForm,
    },
    WORKSPACE_ID: { kind: 'text', about: 'Name of the workspace; the tenant that events name where none is given' },
    WORKSPACE_NAME: { kind: 'text', about: 'The workspace in words, for diagnostics' },
    BINDINGS_JSON: {
      kind: 'text',
      about:
        'Several apps, instead of APP_ID and what belongs to it: a JSON list of entries with app_id, app_secret and, if ' +
        'wanted, account_id, app_type, workspace_id, workspace_name, verification_token, encrypt_key, domain, mode',
      secret: true,
    },
    ALLOWED_USERS: {
      kind: 'ids',
      about: 'Users who may run without approval: open_id, union_id or user_id (ask with /whoami)',
      trust: 'users',
      example: 'ou_xxx,ou_yyy',
    },
    ALLOWED_CHATS: {
      kind: 'ids',
      about: 'Chats whose members may run without approval',
      trust: 'chats',
      example: 'oc_xxx,oc_yyy',
    },
    DOMAIN: {
      kind: 'choice',
      about: 'Where the app was made: feishu (open.feishu.cn) or lark (open.larksuite.com)',
      options: ['feishu', 'lark'],
      fallback: 'feishu',
    },
    MODE: {
      kind: 'choice',
      about: 'How events come: over a connection of ours, or by webhook',
      options: ['websocket', 'webhook'],
      fallback: 'websocket',
    },
    ...listenEnv(8094, '/feishu/events', 'Path of the webhook for events'),
    CALLBACK_PATH: {
      kind: 'text',
      about: 'Path of the webhook for card callbacks',
      fallback: '/feishu/callback',
      matches: /^\//,
    },
    SIGNATURE_MAX_AGE_SEC: {
      kind: 'int',
      about: 'How old a signature may be',
      fallback: 300,
      min: 60,
      max: 86_400,
    },
    REQUIRE_MENTION: { kind: 'flag', about: 'In groups take only what mentions the bot', fallback: true },
    REPLY_IN_THREAD: {
      kind: 'flag',
      about: 'Answer in the topic, and quote the message that is answered',
      fallback: true,
    },
    API_BASE: { kind: 'url', about: 'API server instead of that of the domain, for a proxy' },
  },
  activation: [['APP_ID', 'APP_SECRET'], ['BINDINGS_JSON']],
  capabilities,
  operator: null,
  provenBy: null,
  create: (settings, deps) => {
    const read = readBindings(settings)
    if (read.kind === 'problems') throw new Error(read.problems.join('\n'))
    const { REQUIRE_MENTION: requireMention, REPLY_IN_THREAD: replyInThread } = settings
    const apps = read.bindings.map((binding) => openApp(binding, { requireMention, replyInThread }, deps))
    if (settings.BINDINGS_JSON !== undefined && settings.APP_ID !== undefined)
      deps.log.warn(
        {},
        'OPENCLAW_CONNECTOR_FEISHU_BINDINGS_JSON is set, so OPENCLAW_CONNECTOR_FEISHU_APP_ID is not used',
      )
    return {
      account: apps[0]?.binding.account ?? '',
      intakes: intakesOf(apps, settings, deps),
      ...makeSender({ ...deps, apps, replyInThread }),
      typing: null,
      pushes: null,
      quota: null,
      inline: null,
      download: makeDownload(apps),
      probe: makeProbe({ ...deps, apps, path: settings.PATH, callbackPath: settings.CALLBACK_PATH }),
    }
  },
})

interface IntakeSettings {
  readonly BIND: string
  readonly PORT: number
  readonly PATH: string
  readonly CALLBACK_PATH: string
  readonly SIGNATURE_MAX_AGE_SEC: number
}

type App = ReturnType<typeof openApp>
type Deps = Parameters<typeof openApp>[2] & Parameters<typeof longConnection>[1]

/** A connection for each app that wants one. Card callbacks may come by webhook all the same, where they can be proven. */
const intakesOf = (apps: readonly App[], settings: IntakeSettings, deps: Deps): readonly Intake[] => {
  const proven = apps.filter(({ binding }) => binding.verificationToken !== undefined)
  const events = apps.some(({ binding }) => binding.mode === 'webhook') ? [settings.PATH] : []
  const paths = proven.length === 0 ? [] : [...new Set([...events, settings.CALLBACK_PATH])]
  const receive = makeReceive({ ...deps, apps: proven, maxAgeMs: settings.SIGNATURE_MAX_AGE_SEC * 1000 })
  return [
    ...apps.filter(({ binding }) => binding.mode === 'websocket').map((app) => longConnection(app, deps)),
    ...paths.map((path) =>
      webhookAt({ ...settings, PATH: path }, { methods: ['POST'], maxBytes, inlineMs: null, receive }),
    ),
  ]
}

// A file of its own: one app from four variables, or several from a manifest; every wrong entry is named at once.
import * as v from 'valibot'

/** One app of the developer console. */
export interface Binding {
  /** Ours: the `account` of every address. */
  readonly account: string
  readonly appId: string
  readonly appSecret: string
  /** Made for one organisation, or offered in the store to many. */
  readonly type: 'custom' | 'store'
  readonly verificationToken: string | undefined
  readonly encryptKey: string | undefined
  readonly workspace: string | undefined
  readonly workspaceName: string | undefined
  readonly domain: 'feishu' | 'lark'
  readonly mode: 'websocket' | 'webhook'
  /** Where the API is, without a slash at the end. */
  readonly origin: string
}

export interface BindingSettings {
  readonly APP_ID: string | undefined
  readonly APP_SECRET: string | undefined
  readonly APP_TYPE: string
  readonly VERIFICATION_TOKEN: string | undefined
  readonly ENCRYPT_KEY: string | undefined
  readonly ACCOUNT_ID: string | undefined
  readonly DEFAULT_ACCOUNT_ID: string | undefined
  readonly WORKSPACE_ID: string | undefined
  readonly WORKSPACE_NAME: string | undefined
  readonly BINDINGS_JSON: string | undefined
  readonly DOMAIN: string
  readonly MODE: string
  readonly API_BASE: string | undefined
}

const prefix = 'OPENCLAW_CONNECTOR_FEISHU_'
const hosts = { feishu: 'https://open.feishu.cn', lark: 'https://open.larksuite.com' } as const
const mostBindings = 50

export const appIdForm = /^cli_[\w-]{1,60}$/
export const accountForm = /^[A-Za-z0-9][\w.@-]{0,63}$/
const printable = /^[!-~]{1,256}$/

const optional = <S extends v.GenericSchema>(schema: S) => v.optional(v.nullable(schema))
const secret = (name: string) => v.pipe(v.string(`${name} must be text`), v.regex(printable, `${name} must be text`))

const entrySchema = v.strictObject({
  account_id: optional(
    v.pipe(v.string(), v.regex(accountForm, 'account_id must be letters, digits, and . _ @ - (64 at most)')),
  ),
  app_id: v.pipe(v.string('app_id is missing'), v.regex(appIdForm, 'app_id must look like cli_a1b2c3d4e5f60718')),
  app_secret: v.pipe(v.string('app_secret is missing'), v.regex(printable, 'app_secret is missing or has spaces')),
  app_type: optional(v.picklist(['custom', 'store'], 'app_type must be custom or store')),
  workspace_id: optional(v.pipe(v.string(), v.maxLength(200, 'workspace_id is too long'))),
  workspace_name: optional(v.pipe(v.string(), v.maxLength(200, 'workspace_name is too long'))),
  verification_token: optional(secret('verification_token')),
  encrypt_key: optional(secret('encrypt_key')),
  domain: optional(v.picklist(['feishu', 'lark'], 'domain must be feishu or lark')),
  mode: optional(v.picklist(['websocket', 'webhook'], 'mode must be websocket or webhook')),
})

export type BindingsReading =
  | { readonly kind: 'bindings'; readonly bindings: readonly Binding[] }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

/** Everything that is configured. The texts of problems hold no value that was read, as it may be a secret. */
export const readBindings = (settings: BindingSettings): BindingsReading => {
  const read = settings.BINDINGS_JSON === undefined ? single(settings) : manifest(settings.BINDINGS_JSON, settings)
  const problems = [
    ...read.problems,
    ...duplicates(read.bindings),
    ...read.bindings.flatMap(unproven),
    ...read.bindings.flatMap(misplaced),
  ]
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'bindings', bindings: read.bindings }
}

interface Read {
  readonly bindings: readonly Binding[]
  readonly problems: readonly string[]
}

const single = (settings: BindingSettings): Read => {
  const { APP_ID: appId = '', APP_SECRET: appSecret = '' } = settings
  const domain = settings.DOMAIN === 'lark' ? 'lark' : 'feishu'
  const binding: Binding = {
    account: settings.ACCOUNT_ID ?? settings.DEFAULT_ACCOUNT_ID ?? appId,
    appId,
    appSecret,
    type: typeOf(settings),
    verificationToken: settings.VERIFICATION_TOKEN,
    encryptKey: settings.ENCRYPT_KEY,
    workspace: settings.WORKSPACE_ID,
    workspaceName: settings.WORKSPACE_NAME,
    domain,
    mode: settings.MODE === 'webhook' ? 'webhook' : 'websocket',
    origin: originOf(domain, settings),
  }
  return { bindings: [binding], problems: [] }
}

const manifest = (text: string, settings: BindingSettings): Read => {
  const name = `${prefix}BINDINGS_JSON`
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), v.array(v.unknown())), text)
  if (!read.success) return { bindings: [], problems: [`${name} is no JSON list: write [{"app_id": …}, …]`] }
  const entries = read.output
  if (entries.length === 0 || entries.length > mostBindings)
    return { bindings: [], problems: [`${name} has ${entries.length} entries: 1 to ${mostBindings} are taken`] }
  const results = entries.map((entry, i) => manifestEntry(entry, `${name} entry ${i + 1}`, settings))
  return {
    bindings: results.flatMap((result) => ('account' in result ? [result] : [])),
    problems: results.flatMap((result) => ('problems' in result ? result.problems : [])),
  }
}

const manifestEntry = (
  raw: unknown,
  where: string,
  settings: BindingSettings,
): Binding | { readonly problems: readonly string[] } => {
  const read = v.safeParse(entrySchema, withoutBlanks(raw))
  if (!read.success) return { problems: read.issues.map((issue) => `${where}: ${wordsOf(issue)}`) }
  const one = read.output
  const domain = one.domain ?? (settings.DOMAIN === 'lark' ? 'lark' : 'feishu')
  return {
    account: one.account_id ?? settings.DEFAULT_ACCOUNT_ID ?? one.app_id,
    appId: one.app_id,
    appSecret: one.app_secret,
    type: one.app_type ?? typeOf(settings),
    verificationToken: one.verification_token ?? undefined,
    encryptKey: one.encrypt_key ?? undefined,
    workspace: one.workspace_id ?? undefined,
    workspaceName: one.workspace_name ?? undefined,
    domain,
    mode: one.mode ?? (settings.MODE === 'webhook' ? 'webhook' : 'websocket'),
    origin: originOf(domain, settings),
  }
}

/** What is left empty in a list is not set, as with variables. */
const withoutBlanks = (raw: unknown): unknown =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)
    ? Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== ''))
    : raw

/** Our own words, or the name of the field: what valibot says by itself repeats the value. */
const wordsOf = (issue: v.BaseIssue<unknown>): string => {
  const path = v.getDotPath(issue)
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${path} is no field of an entry`
  if (issue.type === 'strict_object' && path !== null) return `${path} is missing`
  if (issue.type === 'strict_object') return 'is no JSON object'
  const ours = path !== null && issue.message.startsWith(path)
  return ours ? issue.message : `${path ?? 'a field'} must be text`
}

const duplicates = (bindings: readonly Binding[]): readonly string[] =>
  (['account', 'appId'] as const).flatMap((key) => {
    const values = bindings.map((binding) => binding[key])
    const twice = [...new Set(values.filter((value, i) => values.indexOf(value) !== i))]
    const word = key === 'account' ? 'account_id' : 'app_id'
    return twice.map((value) => `${prefix}BINDINGS_JSON: the ${word} ${value} is there more than once`)
  })

const unproven = ({ mode, verificationToken, account }: Binding): readonly string[] =>
  mode === 'webhook' && verificationToken === undefined
    ? [
        `account ${account} takes events by webhook without a verification token, so anybody could pose as anybody: copy ` +
          `it from Events & Callbacks, Encryption Strategy, and set ${prefix}VERIFICATION_TOKEN (or verification_token)`,
      ]
    : []

/** Of an app of the store events come by webhook alone, and name many organisations (facts/feishu §1). */
const misplaced = ({ type, mode, workspace, account }: Binding): readonly string[] =>
  type === 'custom'
    ? []
    : [
        ...(mode === 'webhook'
          ? []
          : [
              `account ${account} is an app of the store, which gets events by webhook only: set ${prefix}MODE=webhook`,
            ]),
        ...(workspace === undefined
          ? []
          : [
              `account ${account} is an app of the store, which is in many workspaces: leave ${prefix}WORKSPACE_ID out`,
            ]),
      ]

const typeOf = ({ APP_TYPE }: BindingSettings): Binding['type'] => (APP_TYPE === 'store' ? 'store' : 'custom')

const originOf = (domain: 'feishu' | 'lark', { API_BASE }: BindingSettings): string =>
  (API_BASE ?? hosts[domain]).replace(/\/+$/, '')

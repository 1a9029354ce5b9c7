import { dirname, join } from 'node:path/posix'

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Entries of the command line: they may import everything, and nobody imports them. */
const ENTRIES = /^src\/(main|cli|daemon|bin|demo|doctor|check)\.ts$/
const MAX_LINES = 250

const PLATFORMS = ['telegram', 'discord', 'slack', 'feishu', 'lark', 'kakao', 'wechat', 'whatsapp', 'kook']
/** Letters end a word, underscores do not: `TELEGRAM_TOKEN` names a platform too. */
const PLATFORM = new RegExp(`(?<![a-z])(${PLATFORMS.join('|')})(?![a-z])`, 'gi')
const MAY_NAME_PLATFORMS: Readonly<Record<string, string>> = {
  'src/config/names.ts': 'warns about variables of platforms that are not there yet',
  'src/config/env.ts': 'shows an example of a qualified id',
  'src/simulator/delivery.ts': "words of the backend's own protocol",
}

/** The edge of the process: what only entries may touch. */
const EDGE = /(?<![\w.'"/-])(process\.(?:env|exit|stdin|argv)|console\.\w+)/g
const MAY_TOUCH_EDGE = /^(src\/(main|cli|bin)|adapters\/console\/index)\.ts$/

const ADAPTER_FILES = ['index', 'verify', 'connect', 'decode', 'encode', 'wire']
/** Further files of an adapter, and why they are not one of the six. */
const MORE_ADAPTER_FILES: Readonly<Record<string, string>> = {
  'console/choices': 'numbers instead of buttons',
  'console/picture': 'draws in the terminal',
  'console/png': 'reads pixels for drawing',
  'console/save': 'copies files into a folder',
  'console/screen': 'keeps printing and typing apart',
  'console/terminal': 'the terminal as a dependency',
  'feishu/app': 'one of several apps, with everything of it',
  'feishu/bindings': 'one app or a manifest of them',
  'feishu/client': 'keeps app secret and token behind one door',
  'feishu/content': 'what stands in a message, by its type',
  'feishu/download': 'fetches what people send',
  'feishu/errors': 'codes of the API as error codes',
  'feishu/fragments': 'events that come in parts',
  'feishu/frame': 'the frames of the long connection',
  'feishu/identity': 'which bot an app is',
  'feishu/installs': 'workspaces among the installations',
  'feishu/limits': 'the capability table',
  'feishu/occurrence': 'envelopes, which come on two ways',
  'feishu/probe': 'a look at the setup',
  'feishu/receive': 'the order of checks of a request',
  'feishu/send': 'calls out, and what their refusals mean',
  'feishu/store': 'ticket and tenant tokens of an app of the store',
  'feishu/tenants': 'who installed an app of the store',
  'feishu/token': 'one tenant token for all calls',
  'feishu/upload': 'files, before the message that shows them',
  'discord/client': 'keeps the SDK and the token behind one door',
  'discord/commands': 'registers slash commands, and reads them',
  'discord/desk': 'interactions that wait for their first word',
  'discord/download': 'fetches what people send',
  'discord/errors': 'codes of refusals as error codes',
  'discord/gateway': 'one connection, from handshake to end',
  'discord/limits': 'the capability table',
  'discord/listen': 'what is done with each event',
  'discord/literal': 'keeps prompts from being taken for markup',
  'discord/places': 'threads, direct chats and roles, remembered',
  'discord/probe': 'a look at the setup',
  'discord/reply': 'answers by one-time token',
  'discord/send': 'calls out, and what their answers mean',
  'discord/session': 'what a resume needs, and what a start costs',
  'kakao/callback': 'the one call out: one-time addresses',
  'kakao/hosts': 'which addresses are trusted',
  'kakao/inline': 'answers of open requests',
  'kakao/pictures': 'what people send, and fetching it',
  'kakao/probe': 'a look at the setup',
  'kakao/receive': 'the order of checks of a request',
  'kakao/repeats': 'ids for requests that bring none',
  'line/download': 'fetches what people send, once it is ready',
  'line/duration': 'length of an audio file, which a message has to tell',
  'line/errors': 'refusals of the API as error codes',
  'line/limits': 'the capability table',
  'line/probe': 'a look at the setup',
  'line/quota': 'what the month still allows',
  'line/receive': 'the order of checks of a request',
  'line/send': 'reply or push, and what their answers mean',
  'line/used': 'reply tokens that may have been used',
  'line/unsure': 'a push repeated under its retry key has to be the same request',
  'slack/chats': 'direct chats and their channels',
  'slack/client': 'keeps SDK and tokens behind one door',
  'slack/download': 'fetches what people send',
  'slack/errors': 'refusals of the API as error codes',
  'slack/grant': 'what an installation keeps',
  'slack/home': 'the tab of the app',
  'slack/lifecycle': 'installations that end or are held back',
  'slack/limits': 'the capability table',
  'slack/markup': 'the text form, in and out',
  'slack/oauth': 'installing the app in a browser',
  'slack/probe': 'a look at the setup',
  'slack/send': 'calls out, and what their refusals mean',
  'slack/socket': 'Socket Mode, two lines at a change',
  'slack/upload': 'files in three steps',
  'slack/workspaces': 'which token writes where',
  'telegram/client': 'keeps the SDK and the token behind one door',
  'telegram/download': 'fetches what people send',
  'telegram/errors': 'descriptions of the API as error codes',
  'telegram/limits': 'the capability table',
  'telegram/mention': 'who a message is addressed to',
  'telegram/menu': 'registers commands',
  'telegram/probe': 'a look at the setup',
  'telegram/send': 'calls out, and what their answers mean',
  'whatsapp/client': 'keeps token and app secret behind one door',
  'whatsapp/download': 'fetches what people send',
  'whatsapp/errors': 'codes of refusals, told at once or later',
  'whatsapp/limits': 'the capability table',
  'whatsapp/probe': 'a look at the setup',
  'whatsapp/send': 'uploads and calls out',
  'whatsapp/statuses': 'what became of earlier sends',
  'wechat/crypt': 'the encryption of messages',
  'wechat/deliveries': 'which of three deliveries of a message this is',
  'wechat/download': 'fetches what people send',
  'wechat/errors': 'numbers of the API as error codes',
  'wechat/inline': 'answers of open requests',
  'wechat/limits': 'the capability table',
  'wechat/nonces': 'one body for each signature',
  'wechat/probe': 'a look at the setup',
  'wechat/receive': 'the order of checks of a request',
  'wechat/rights': 'whether it may speak first, remembered',
  'wechat/send': 'calls out, and what their refusals mean',
  'wechat/token': 'one access token for all calls',
  'wechat/uploads': 'files the platform has already',
  'wechat/xml': 'the gate in front of the parser',
}

/** Code without its comments. Good enough for looking words up; strings that hold `//` lose their end. */
const codeOf = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')

const SPECIFIER =
  /^\s*(?:import|export)\s(type\s)?[^']*?\bfrom\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm

interface Import {
  readonly specifier: string
  /** Erased before anything runs. */
  readonly typeOnly: boolean
}
const importsOf = (text: string): readonly Import[] =>
  [...codeOf(text).matchAll(SPECIFIER)].map(([, type, from, bare, late]) => ({
    specifier: from ?? bare ?? late ?? '',
    typeOnly: type !== undefined,
  }))

const layerOf = (path: string): string => {
  if (ENTRIES.test(path)) return 'entry'
  const [top = '', second = ''] = path.split('/')
  if (top === 'policy') return 'policy'
  if (path === 'adapters/index.ts') return 'adapter list'
  if (top === 'adapters') return second === 'kit' ? 'kit' : `adapter ${second}`
  return second === 'contract' ? 'contract' : 'stage'
}

function mayImport(from: string, to: string): boolean {
  const [one, other] = [layerOf(from), layerOf(to)]
  if (one === 'entry') return true
  if (other === 'entry') return false
  if (one === 'contract') return other === 'contract'
  if (other === 'contract') return true
  if (one === 'policy' || one === 'kit') return one === other
  if (one === 'adapter list') return /^adapters\/[a-z]+\/index\.ts$/.test(to) && other !== 'kit'
  if (one === 'stage') return other === 'stage' || other === 'policy'
  return other === one || other === 'kit'
}

const wrongImports = ({ path, text }: SourceFile, packages: readonly string[]): readonly string[] =>
  importsOf(text).flatMap(({ specifier }) => {
    const layer = layerOf(path)
    if (specifier.startsWith('.')) {
      const target = join(dirname(path), specifier)
      if (!mayImport(path, target)) return [`${path} must not import ${target}`]
      return specifier.endsWith('.ts') || specifier.endsWith('.json')
        ? []
        : [`${path} imports ${specifier} without .ts`]
    }
    if (layer === 'contract' || layer === 'policy') return [`${path} must stay pure, but imports ${specifier}`]
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    return specifier.startsWith('node:') || packages.includes(name)
      ? []
      : [`${path} imports ${name}, no dependency of ours`]
  })

const wrongWords = ({ path, text }: SourceFile): readonly string[] => {
  const code = codeOf(text)
  const named = path.startsWith('adapters/') || path in MAY_NAME_PLATFORMS ? [] : [...code.matchAll(PLATFORM)]
  const edges = MAY_TOUCH_EDGE.test(path) ? [] : [...code.matchAll(EDGE)]
  return [...named.map((match) => `${path} names ${match[1]}`), ...edges.map((match) => `${path} uses ${match[1]}`)]
}

const wrongForm = ({ path, text }: SourceFile): readonly string[] => {
  const code = codeOf(text)
  const lines = text.trimEnd().split('\n').length
  const [, adapter, file] = /^adapters\/([a-z]+)\/(.+)\.ts$/.exec(path) ?? []
  const isModule = adapter !== undefined && adapter !== 'kit' && file === 'index'
  const known = !adapter || adapter === 'kit' || ADAPTER_FILES.includes(file ?? '')
  return [
    ...(lines > MAX_LINES ? [`${path} has ${lines} lines`] : []),
    ...(/^export default\b/m.test(code) !== isModule ? [`${path}: ${isModule ? 'no' : 'a'} default export`] : []),
    ...(/^export \*/m.test(code) && path !== 'src/contract/index.ts' ? [`${path} is a barrel`] : []),
    ...[...code.matchAll(/^\s*(?:export )?class (\w+)\b(?! extends \w*Error\b)/gm)].map(
      (match) => `${path}: class ${match[1]}`,
    ),
    ...(known || `${adapter}/${file}` in MORE_ADAPTER_FILES
      ? []
      : [`${path}: a file without a known name or a reason`]),
  ]
}

/** Files that need each other to load, each circle once, by its first path. Circles of types alone are erased. */
function circles(files: readonly SourceFile[]): readonly string[] {
  const edges = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text)
        .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        .map(({ specifier }) => join(dirname(path), specifier)),
    ]),
  )
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'open') found.push(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
    if (state.has(path)) return
    state.set(path, 'open')
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of edges.keys()) visit(path, [])
  return found
}

/** Everything in these files that goes against the house rules, one sentence each. */
export const violations = (files: readonly SourceFile[], packages: readonly string[]): readonly string[] => [
  ...files.flatMap((file) => [...wrongImports(file, packages), ...wrongWords(file), ...wrongForm(file)]),
  ...circles(files),
]

/** Exceptions whose file is gone. */
export const staleExceptions = (paths: readonly string[]): readonly string[] =>
  [...Object.keys(MAY_NAME_PLATFORMS), ...Object.keys(MORE_ADAPTER_FILES).map((name) => `adapters/${name}.ts`)].filter(
    (path) => !paths.includes(path),
  )

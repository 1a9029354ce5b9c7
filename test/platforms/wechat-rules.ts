import type { RawReply } from './platform.ts'
import { type Account, sha1Of, unseal } from './wechat-crypt.ts'

/** What the person sees of the answer to a push. */
export type Reading =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'message'; readonly message: Passive }
  | { readonly kind: 'error'; readonly problems: readonly string[] }

export interface Passive {
  readonly type: 'text' | 'image' | 'voice' | 'video' | 'news'
  readonly text: string
  readonly mediaId: string
  readonly title: string
  readonly link: string
  readonly picture: string
}

interface Element {
  readonly name: string
  text: string
  readonly children: Element[]
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Strict: elements, text and CDATA; anything else throws. */
export const readXml = (source: string): Element => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has none of them
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(source)) throw new Error('a forbidden character')
  if (!source.isWellFormed()) throw new Error('half a surrogate pair')
  const token = /<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)(\w+)(\/?)>|([^<]+)/y
  const top: Element = { name: '', text: '', children: [] }
  const open = [top]
  while (token.lastIndex < source.length) {
    const at = token.lastIndex
    const found = token.exec(source)
    if (!found) throw new Error(`no XML at ${at}`)
    const [, cdata, slash, name, empty, words] = found
    const inner = open.at(-1) as Element
    if (cdata !== undefined) inner.text += cdata
    else if (words !== undefined) {
      if (/&(?!(?:amp|lt|gt|quot|apos);)|\]\]>/.test(words)) throw new Error('an unknown entity')
      inner.text += words.replaceAll(/&(\w+);/g, (_, entity: string) => entities[entity] ?? '')
    } else if (slash) {
      if (open.pop()?.name !== name) throw new Error('tags do not match')
    } else {
      const child: Element = { name: name ?? '', text: '', children: [] }
      inner.children.push(child)
      if (!empty) open.push(child)
    }
  }
  const [root, more] = top.children
  if (open.length !== 1 || !root || more || root.name !== 'xml') throw new Error('not one root xml')
  return root
}

/** The text of the only child of this name. */
export const fieldOf = (element: Element, ...path: readonly string[]): string => {
  let at = element
  for (const name of path) {
    const found = at.children.filter((child) => child.name === name)
    if (found.length !== 1 || !found[0]) throw new Error(`${found.length} elements ${name}`)
    at = found[0]
  }
  return at.children.length > 0 ? '' : at.text
}

const has = (element: Element, name: string): boolean => element.children.some((child) => child.name === name)

const needed = (root: Element, ...path: readonly string[]): string => {
  const value = fieldOf(root, ...path)
  if (value.trim() === '') throw new Error(`${path.join('/')} is empty`)
  return value
}

const messageOf = (root: Element): Passive => {
  const none = { text: '', mediaId: '', title: '', link: '', picture: '' }
  const type = fieldOf(root, 'MsgType')
  if (type === 'text') {
    const text = needed(root, 'Content')
    if (Buffer.byteLength(text) > 2048) throw new Error('text is longer than 2048 bytes')
    return { ...none, type, text }
  }
  if (type === 'image') return { ...none, type, mediaId: needed(root, 'Image', 'MediaId') }
  if (type === 'voice') return { ...none, type, mediaId: needed(root, 'Voice', 'MediaId') }
  if (type === 'video') return { ...none, type, mediaId: needed(root, 'Video', 'MediaId') }
  if (type !== 'news') throw new Error(`unknown kind of answer ${type}`)
  if (fieldOf(root, 'ArticleCount') !== '1') throw new Error('one article only')
  const article = (name: string): string => fieldOf(root, 'Articles', 'item', name)
  return {
    ...none,
    type,
    title: needed(root, 'Articles', 'item', 'Title'),
    text: article('Description'),
    link: needed(root, 'Articles', 'item', 'Url'),
    picture: article('PicUrl'),
  }
}

const opened = (root: Element, account: Account): Element => {
  const encrypted = needed(root, 'Encrypt')
  const signed = [account.token, needed(root, 'TimeStamp'), needed(root, 'Nonce'), encrypted]
  if (fieldOf(root, 'MsgSignature') !== sha1Of(signed)) throw new Error('wrong MsgSignature')
  const inside = unseal(encrypted, account)
  if ('problem' in inside) throw new Error(inside.problem)
  return readXml(inside.text)
}

/** Reads the answer to a push as the platform would; what is no answer shows the person an error. */
export const readPassive = (
  reply: RawReply,
  push: {
    readonly person: string
    readonly ours: string
    readonly mode: 'plain' | 'compatible' | 'safe'
    readonly account: Account
  },
): Reading => {
  const { status, body } = reply
  if (status !== 200) return { kind: 'error', problems: [`HTTP ${status}`] }
  if (body === '' || body === 'success') return { kind: 'nothing' }
  try {
    const outer = readXml(body)
    const isSealed = has(outer, 'Encrypt')
    if (isSealed !== (push.mode === 'safe') && push.mode !== 'compatible')
      throw new Error(isSealed ? 'encrypted in plain mode' : 'not encrypted in safe mode')
    const root = isSealed ? opened(outer, push.account) : outer
    if (fieldOf(root, 'ToUserName') !== push.person) throw new Error('ToUserName is not who wrote')
    if (fieldOf(root, 'FromUserName') !== push.ours) throw new Error('FromUserName is not the account')
    if (!/^\d+$/.test(fieldOf(root, 'CreateTime'))) throw new Error('CreateTime is no number')
    return { kind: 'message', message: messageOf(root) }
  } catch (error) {
    return { kind: 'error', problems: [error instanceof Error ? error.message : String(error)] }
  }
}

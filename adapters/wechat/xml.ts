// A file of its own: what comes from outside passes this gate before any other code sees it.
import { createRequire } from 'node:module'

/** What a message can name that we read. Everything else is left behind at the gate. */
const known = [
  'ToUserName',
  'FromUserName',
  'CreateTime',
  'MsgType',
  'MsgId',
  'Content',
  'bizmsgmenuid',
  'MediaId',
  'Recognition',
  'Event',
  'EventKey',
  'Ticket',
  'Encrypt',
] as const

/** Without a prototype; a field that did not come is absent. */
export type Fields = Readonly<Partial<Record<(typeof known)[number], string>>>

export type Reading =
  | { readonly kind: 'fields'; readonly fields: Fields }
  /** `why` is for the log, and holds nothing of the text. */
  | { readonly kind: 'refused'; readonly why: string }

export type Gate = (text: string) => Reading

type Library = Pick<typeof import('fast-xml-parser'), 'XMLParser' | 'XMLValidator'>

/** As in the request body; also the longest text that is looked at. */
export const maxBytes = 65_536

const maxDepth = 6
const maxElements = 200
const name = /^[A-Za-z_][\w.-]{0,63}$/
/** The five entities every XML has. Others would have to be declared, and nothing may be declared. */
const foreignEntity = /&(?!(?:amp|lt|gt|quot|apos);)/

const refused = (why: string): Reading => ({ kind: 'refused', why })
const isPrototypeName = (tag: string): boolean => tag === 'prototype' || tag in Object.prototype

/**
 * Reads the markup without building anything from it; the reason when it is more than the plain tree of elements and
 * CDATA that WeChat sends. Inside CDATA everything is text, `<!DOCTYPE` too: people may write about it.
 */
const problemIn = (text: string): string | null => {
  const open: { readonly tag: string; readonly children: Set<string> }[] = []
  let elements = 0
  let at = 0
  while (at < text.length) {
    const next = text.indexOf('<', at)
    const words = text.slice(at, next < 0 ? text.length : next)
    if (open.length === 0 && words.trim() !== '') return 'text outside of the root'
    if (foreignEntity.test(words) || words.includes(']]>')) return 'an unknown entity'
    if (next < 0) break
    if (text.startsWith('<![CDATA[', next)) {
      const end = text.indexOf(']]>', next)
      if (end < 0 || open.length === 0) return 'CDATA that does not end or has no place'
      at = end + 3
      continue
    }
    const close = text.indexOf('>', next)
    if (close < 0) return 'a tag that does not end'
    const tag = text.slice(next + 1, close).trimEnd()
    at = close + 1
    // Declarations (DOCTYPE, ENTITY), comments and processing instructions: WeChat sends none of them.
    if (tag.startsWith('!') || tag.startsWith('?')) return 'a declaration or instruction'
    if (tag.startsWith('/')) {
      if (open.pop()?.tag !== tag.slice(1)) return 'tags that do not match'
      continue
    }
    const empty = tag.endsWith('/')
    const own = empty ? tag.slice(0, -1).trimEnd() : tag
    if (!name.test(own)) return 'a tag with more than a name'
    if (isPrototypeName(own)) return 'a tag named like a part of every object'
    const parent = open.at(-1)
    if (!parent && (elements > 0 || own !== 'xml')) return 'not one root named xml'
    // Deeper down lists repeat their items; nothing is read there.
    if (open.length === 1 && parent?.children.has(own)) return 'a field that came twice'
    parent?.children.add(own)
    elements += 1
    if (elements > maxElements) return 'too many elements'
    if (open.length >= maxDepth) return 'nested too deeply'
    if (!empty) open.push({ tag: own, children: new Set() })
  }
  return open.length > 0 || elements === 0 ? 'no complete document' : null
}

/** The known fields of a message, or why it is refused. Never throws. */
export const makeGate = ({ XMLParser, XMLValidator }: Library): Gate => {
  // Values stay text: ids pass 2^53, and `007` is no 7.
  const parser = new XMLParser({
    ignoreAttributes: true,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: true,
    processEntities: true,
    htmlEntities: false,
    maxNestedTags: maxDepth,
  })
  const parsed = (text: string): unknown => {
    try {
      return XMLValidator.validate(text) === true ? parser.parse(text) : null
    } catch {
      return null
    }
  }
  return (text) => {
    if (text.length > maxBytes) return refused('too large')
    const problem = problemIn(text)
    if (problem !== null) return refused(problem)
    const document = parsed(text)
    if (typeof document !== 'object' || document === null || !Object.hasOwn(document, 'xml'))
      return refused('no XML for the parser')
    const root: unknown = (document as { xml: unknown }).xml
    if (typeof root !== 'object' || root === null || Array.isArray(root)) return refused('no fields')
    const fields: Record<string, string> = Object.create(null)
    for (const field of known) {
      if (!Object.hasOwn(root, field)) continue
      const value: unknown = (root as Record<string, unknown>)[field]
      if (typeof value !== 'string') return refused('a field that is no text')
      fields[field] = value
    }
    return { kind: 'fields', fields }
  }
}

const whole =
  '<xml><ToUserName><![CDATA[gh_1]]></ToUserName><MsgId>24812346789012350</MsgId>' +
  '<Content><![CDATA[007 <!DOCTYPE ]]]]><![CDATA[> &amp;]]></Content></xml>'

const hostile: Readonly<Record<string, string>> = {
  'a DOCTYPE': `<!DOCTYPE xml>${whole}`,
  'a doctype in small letters': `<!doctype xml [<!entity a "b">]>${whole}`,
  'an ENTITY': '<!ENTITY a "b"><xml><Content>&a;</Content></xml>',
  'an undeclared entity': '<xml><Content>&a;</Content></xml>',
  'a processing instruction': `<?xml-stylesheet href="x"?>${whole}`,
  'deep nesting': `<xml>${'<a>'.repeat(maxDepth)}${'</a>'.repeat(maxDepth)}</xml>`,
  'a field that came twice': '<xml><Content>a</Content><Content>b</Content></xml>',
  'a prototype as name': '<xml><__proto__><Content>a</Content></__proto__></xml>',
  'a constructor as name': '<xml><constructor>a</constructor></xml>',
  'two roots': `${whole}${whole}`,
  'an open end': whole.slice(0, -3),
  'too much': `<xml><Content>${'a'.repeat(maxBytes)}</Content></xml>`,
}

/** Shows the gate what it has to refuse and what it has to let through. Throws when it does not hold. */
export const proveGate = (gate: Gate): void => {
  const passed = Object.keys(hostile).filter((what) => gate(hostile[what] ?? '').kind !== 'refused')
  const good = gate(whole)
  const read = good.kind === 'fields' && good.fields.Content === '007 <!DOCTYPE ]]> &amp;'
  const exact = read && good.fields.MsgId === '24812346789012350' && Object.getPrototypeOf(good.fields) === null
  if (passed.length === 0 && exact) return
  const about = passed.length > 0 ? `it lets ${passed.join(', ')} through` : 'it does not read what is sound'
  throw new Error(`the XML parser is not safe to use (${about}): install the version of fast-xml-parser that is pinned`)
}

/** The gate, proven. Its parser is loaded here: who has no account there does not pay for it. */
export const openGate = (): Gate => {
  const gate = makeGate(createRequire(import.meta.url)('fast-xml-parser') as Library)
  proveGate(gate)
  return gate
}

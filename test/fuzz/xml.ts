import { words } from './json.ts'
import type { Random } from './random.ts'

const bomb = (levels: number): string => {
  const ladder = Array.from({ length: levels }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('')
  return `<!DOCTYPE xml [<!ENTITY e0 "lol">${ladder}]>`
}

/** What may stand before a document in XML, and not here. */
const prologues: readonly string[] = [
  bomb(10),
  bomb(3).toLowerCase(),
  `<!DOCTYPE xml [<!ENTITY a "${'a'.repeat(20_000)}">]>`,
  '<!DOCTYPE xml SYSTEM "http://169.254.169.254/latest/meta-data">',
  '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
  '<!DOCTYPE xml [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
  '<!DOCTYPE xml [<!ENTITY a "&b;"><!ENTITY b "&a;">]>',
  '<!DOCTYPE xml [<!ATTLIST xml a CDATA "b">]>',
  '<!dOcTyPe xml>',
  '<?xml version="1.0" encoding="UTF-16"?>',
  '<?xml version="1.1" standalone="yes"?>',
  '<?xml-stylesheet href="x"?>',
  '<?php system("id") ?>',
  '<!-- -- -->',
  '<!--',
  '<![INCLUDE[',
  '\ufeff',
  'words ',
]

/** What stands inside an element, as XML text. */
const contents: readonly string[] = [
  '',
  '&e10;',
  '&x;',
  '&lt;!DOCTYPE xml&gt;',
  '&#0;',
  '&#x110000;',
  '&#xD800;',
  '&#60;b&#62;',
  '&amp;amp;amp;',
  '&',
  '& &; &amp',
  '<![CDATA[',
  ']]>',
  '<![CDATA[]]>',
  '<![CDATA[<![CDATA[/help]]>]]>',
  '<![CDATA[/he]]]]><![CDATA[>lp]]>',
  '<![CDATA[/he]]><![CDATA[lp]]>',
  '<![CDATA[</Content></xml><xml><Content>]]>',
  '<![cdata[/help]]>',
  '<! [CDATA[/help]]>',
  '<![CDATA[\u0000\u0001\u001f\ufffe]]>',
  '<![CDATA[\u202e\u200b\ufeff／help]]>',
  `<![CDATA[${'긴'.repeat(20_000)}]]>`,
  `<![CDATA[${']]'.repeat(10_000)}]]>`,
  '-1',
  '1e400',
  '0x10',
  '99999999999999999999999',
  '<Content>/help</Content>',
  '<item><item>1</item></item>',
  '<a/>',
]

const badNames: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'xml',
  'XML',
  'fromusername',
  'Encrypt',
  'Content',
  '#text',
  '?xml',
  '!ENTITY',
  'a:b',
  '1a',
  'a b',
  '',
  ' Content',
  'n'.repeat(9000),
  '이름',
]

const attributes: readonly string[] = [
  'a="b"',
  'a=b',
  'a',
  'a="1" a="2"',
  `a="${'x'.repeat(40_000)}"`,
  Array.from({ length: 3000 }, (_, i) => `a${i}="${i}"`).join(' '),
  'xmlns="urn:x" xmlns:a="urn:y"',
  '__proto__="1"',
  'a="&e10;"',
  "a='>'",
  'a="<b>"',
  '/',
]

interface Field {
  readonly at: number
  readonly whole: string
  readonly name: string
  readonly inner: string
}

/** The elements inside the root. */
const fieldsOf = (text: string): readonly Field[] =>
  [...text.matchAll(/<([A-Z]\w*)>((?:(?!<\1>)[\s\S])*?)<\/\1>/g)].map(
    ({ index, 0: whole, 1: name = '', 2: inner = '' }) => ({
      at: index,
      whole,
      name,
      inner,
    }),
  )

const nested = (inner: string, depth: number, name: string): string =>
  `${`<${name}>`.repeat(depth)}${inner}${`</${name}>`.repeat(depth)}`

/** Text with one to three things in it that WeChat never sends. Some of it is XML still. */
export const mutateXml = (seed: string, random: Random): string => {
  let text = seed
  for (let left = 1 + random.below(3); left > 0; left--) text = mutateOnce(text, random)
  return text
}

const mutateOnce = (text: string, random: Random): string => {
  const fields = fieldsOf(text)
  const somewhere = random.below(text.length + 1)
  const inserted = (what: string, at: number): string => text.slice(0, at) + what + text.slice(at)
  const documents = [
    () => random.pick(prologues) + text,
    () => inserted(random.pick(prologues), somewhere),
    () => text + text,
    () => `${text}${random.pick(contents)}`,
    () => text.replaceAll(/<(\/?)xml>/g, `<$1${random.pick(badNames)}>`),
    () => text.replace('<xml>', `<xml ${random.pick(attributes)}>`),
    () => `<xml>${text}</xml>`,
    () => text.replace('</xml>', `${'<a></a>'.repeat(1 + random.below(3000))}</xml>`),
    () => inserted(random.pick(contents), somewhere),
    () => text.slice(0, somewhere),
  ]
  if (fields.length === 0 || random.chance(0.3)) return random.pick(documents)()
  const { at, whole, name, inner } = random.pick(fields)
  const put = (what: string): string => text.slice(0, at) + what + text.slice(at + whole.length)
  const named = (to: string, what: string): string => `<${to}>${what}</${to}>`
  // Passes the gate as a rule, so that what is behind it gets to see something.
  const mild = [
    () => put(named(name, `<![CDATA[${random.pick(words)}]]>`)),
    () => put(named(name, `<![CDATA[${inner.replaceAll(/<!\[CDATA\[|\]\]>/g, '').repeat(random.below(30))}]]>`)),
    () => put(named(name, random.pick(['', '0', '-1', '1e400', '007', '&lt;a&gt;', '<![CDATA[／help]]>']))),
    () => put(''),
    () => put(named(random.pick(fields).name, inner)),
    () => put(whole + named(random.pick(['a', 'KfAccount', 'x.y-z']), inner)),
  ]
  if (random.chance(0.8)) return random.pick(mild)()
  const kinds = [
    () => put(named(name, random.pick(contents))),
    () => put(named(name, random.pick(contents))),
    () => put(named(name, random.pick(words))),
    () => put(whole + whole),
    () => put(whole + named(name, random.pick(contents))),
    () => put(named(random.pick(badNames), inner)),
    () => put(whole + named(random.pick(badNames), inner)),
    () => put(`<${name} ${random.pick(attributes)}>${inner}</${name}>`),
    () => put(`<${name} ${random.pick(attributes)}/>`),
    () => put(named(name, nested(inner, 1 + random.below(random.chance(0.8) ? 10 : 4000), random.pick(['a', name])))),
    () => put(nested(whole, 1 + random.below(8), random.pick(badNames))),
    () => put(`<${name}>${inner}`),
    () => put(`${inner}</${name}>`),
    () => put(`<${name}>${inner}</${name.toLowerCase()}>`),
    () => put(named(name, inner.repeat(1 + random.below(50)))),
  ]
  return random.pick(kinds)()
}

import { unescaped } from './slack-hooks.ts'

/** What a message shows, or Slack's word for why it is refused. */
export type Reading =
  | {
      readonly ok: true
      readonly text: string
      readonly buttons: readonly ShownButton[]
      readonly links: readonly string[]
    }
  | { readonly ok: false; readonly error: string }

export interface ShownButton {
  readonly label: string
  readonly value: string
  readonly actionId: string
  readonly blockId: string
  readonly style: string | undefined
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const bad: Reading = { ok: false, error: 'invalid_blocks' }

/** Markup as Slack shows it, where it is not switched off. Enough to notice what would be eaten. */
const rendered = (text: string): string =>
  unescaped(
    text
      .replaceAll(/<(https?:[^|>]+)\|([^>]+)>/g, '$2')
      .replaceAll(/<(https?:[^>]+)>/g, '$1')
      .replaceAll(/<[@#!][^>]*>/g, '')
      .replaceAll(/(?<!\w)([*_~`])(\S|\S.*?\S)\1(?!\w)/g, '$2'),
  )

const richText = (block: Json): { text: string; links: readonly string[] } | null => {
  const links: string[] = []
  const parts = list(block.elements).map((section) => {
    if (!isObject(section) || section.type !== 'rich_text_section') return null
    const texts = list(section.elements).map((element) => {
      if (!isObject(element)) return null
      if (element.type === 'text' && typeof element.text === 'string' && element.text !== '') return element.text
      if (element.type !== 'link' || typeof element.url !== 'string' || !/^https?:\/\//.test(element.url)) return null
      if (element.url.length > 3000) return null
      links.push(element.url)
      return typeof element.text === 'string' ? element.text : element.url
    })
    return texts.length > 0 && !texts.includes(null) ? texts.join('') : null
  })
  return parts.length > 0 && !parts.includes(null) ? { text: parts.join('\n'), links } : null
}

const buttonOf = (element: unknown, blockId: string): ShownButton | null => {
  if (!isObject(element) || element.type !== 'button') return null
  const { text, value, action_id: actionId, style } = element
  if (!isObject(text) || text.type !== 'plain_text' || typeof text.text !== 'string') return null
  const label = text.text
  if (label === '' || label.length > 75) return null
  if (typeof value !== 'string' || value.length > 2000) return null
  if (typeof actionId !== 'string' || actionId === '' || actionId.length > 255) return null
  if (style !== undefined && style !== 'primary' && style !== 'danger') return null
  return { label, value, actionId, blockId, style: typeof style === 'string' ? style : undefined }
}

const readBlocks = (blocks: readonly unknown[]): Reading => {
  if (blocks.length > 50) return bad
  const texts: string[] = []
  const links: string[] = []
  const buttons: ShownButton[] = []
  for (const [nth, block] of blocks.entries()) {
    if (!isObject(block)) return bad
    const blockId = typeof block.block_id === 'string' ? block.block_id : `b${nth}`
    if (blockId.length > 255) return bad
    if (block.type === 'rich_text') {
      const read = richText(block)
      if (read === null) return bad
      texts.push(read.text)
      links.push(...read.links)
    } else if (block.type === 'actions') {
      const found = list(block.elements).map((element) => buttonOf(element, blockId))
      if (found.length === 0 || found.length > 25) return bad
      for (const one of found) {
        if (one === null || found.some((other) => other !== one && other?.actionId === one.actionId)) return bad
        buttons.push(one)
      }
    } else return bad
  }
  const text = texts.join('\n')
  if (text.length > 13_000) return { ok: false, error: 'msg_blocks_too_long' }
  return { ok: true, text, buttons, links }
}

/** `text`, `blocks` and `mrkdwn` of a message as they came. */
export const readMessage = (fields: Json, maxText: number | null): Reading => {
  const text = typeof fields.text === 'string' ? fields.text : ''
  const blocks = list(fields.blocks)
  if (fields.blocks !== undefined && !Array.isArray(fields.blocks)) return { ok: false, error: 'invalid_blocks_format' }
  if (text === '' && blocks.length === 0) return { ok: false, error: 'no_text' }
  if (maxText !== null && text.length > maxText) return { ok: false, error: 'msg_too_long' }
  if (blocks.length > 0) return readBlocks(blocks)
  // Longer texts are cut, with no more than a warning.
  const shown = text.slice(0, 40_000)
  const plain = String(fields.mrkdwn) === 'false' ? unescaped(shown) : rendered(shown)
  return { ok: true, text: plain, buttons: [], links: [] }
}
